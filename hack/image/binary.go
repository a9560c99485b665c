package main

import (
	"bytes"
	"debug/elf"
	"fmt"
)

var machines = map[string]elf.Machine{
	"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64, "arm": elf.EM_ARM, "386": elf.EM_386,
	"ppc64le": elf.EM_PPC64, "s390x": elf.EM_S390, "riscv64": elf.EM_RISCV,
}

// checkBinary finds what a kubelet would tell as "exec format error" or "no such file or directory".
func checkBinary(b binary, content []byte) error {
	f, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("%s: not a binary of Linux: %w; build it with GOOS=linux", b.file, err)
	}
	arch := b.platform.Architecture
	if machine, known := machines[arch]; known && machine != f.Machine {
		return fmt.Errorf("%s: built for %s, not for %s; build it with GOARCH=%s", b.file, f.Machine, arch, arch)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s: needs a loader and shared libraries, which the image has not; build it with CGO_ENABLED=0, and not as PIE", b.file)
		}
	}
	return nil
}
