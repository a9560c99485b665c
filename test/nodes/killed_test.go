package nodes_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nestedVariable names the run that a story starts within this one, and its folder for logs.
const nestedVariable = "TEST_NODES_NESTED"

// standing is what a nested run says when its cluster runs, and then the name of its cgroups.
const standing = "a cluster stands here, in "

// TestStandStill is what a nested run does: nothing, until it is ended.
func TestStandStill(t *testing.T) {
	if os.Getenv(nestedVariable) == "" {
		t.Skip("TestAnEndedRunLeavesNothing starts it")
	}
	s := begin(t)
	s.deploy("web", 2, nil)
	fmt.Println(standing + os.Getenv("FAIRLEAD_NODES_CGROUP"))
	time.Sleep(5 * time.Minute)
}

// TestAnEndedRunLeavesNothing starts a cluster within the world of this one, and ends its run in hard ways.
func TestAnEndedRunLeavesNothing(t *testing.T) {
	if os.Getenv(nestedVariable) != "" {
		t.Skip("one level is enough")
	}
	before := machineState(t)
	for name, signal := range map[string]syscall.Signal{"SIGKILL": syscall.SIGKILL, "SIGINT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			run := exec.Command("/proc/self/exe", "-test.run", "^TestStandStill$", "-test.v")
			run.Env = append(os.Environ(), nestedVariable+"=nested-"+name, "TMPDIR=/tmp")
			said, err := run.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			run.Stderr = os.Stderr
			if err := run.Start(); err != nil {
				t.Fatal(err)
			}
			ended := false
			defer func() {
				if !ended {
					_ = run.Process.Kill()
					_ = run.Wait()
				}
			}()
			lines := bufio.NewScanner(said)
			group := ""
			for group == "" && lines.Scan() { // ends with the run
				if name, ok := strings.CutPrefix(lines.Text(), standing); ok {
					group = name
				}
			}
			family := descendants(t, run.Process.Pid)
			if len(family) < 20 {
				t.Fatalf("only %d processes in a cluster of two nodes", len(family))
			}
			begin := time.Now()
			if err := run.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			_ = run.Wait() // it fails, as it shall
			ended = true
			eventually(t, 20*time.Second, "the end of all processes", func() error {
				return wanted(len(living(family)), 0)
			})
			t.Logf("%d processes ended in %s", len(family), time.Since(begin).Round(time.Millisecond))
			if code := run.ProcessState.ExitCode(); code == 0 {
				t.Error("the ended run says that all went well")
			}
			if signal == syscall.SIGKILL {
				if len(groups(t, group)) == 0 {
					t.Error("it has not even left its cgroups: then nothing needs to remove them")
				}
				runAnother(t)
			}
			if left := groups(t, group); len(left) > 0 {
				t.Errorf("the cgroups %q are left", left)
			}
			for what, got := range machineState(t) {
				if !slices.Equal(got, before[what]) {
					t.Errorf("%s:\n%q, before it was\n%q", what, got, before[what])
				}
			}
		})
	}
}

// runAnother starts one more run, which removes what killed runs had to leave.
func runAnother(t *testing.T) {
	t.Helper()
	run := exec.Command("/proc/self/exe", "-test.run", "^$")
	run.Env = append(os.Environ(), nestedVariable+"=nested-next", "TMPDIR=/tmp")
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// groups returns the directories of a run's cgroups.
func groups(t *testing.T, name string) []string {
	t.Helper()
	found, err := filepath.Glob("/sys/fs/cgroup/*/" + name) // v1
	if err != nil {
		t.Fatal(err)
	}
	unified, err := filepath.Glob("/sys/fs/cgroup/" + name) // v2
	if err != nil {
		t.Fatal(err)
	}
	return append(found, unified...)
}

// machineState is what a run could leave behind, but for cgroups: other runs on this machine have some too.
func machineState(t *testing.T) map[string][]string {
	t.Helper()
	state := map[string][]string{}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	state["mounts"] = strings.Split(string(mounts), "\n")
	for what, pattern := range map[string]string{
		"links": "/proc/sys/net/ipv4/conf/*", "sockets and locks": "/run/*",
	} {
		if state[what], err = filepath.Glob(pattern); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"} {
		value, err := os.ReadFile("/proc/sys/" + name)
		if err != nil {
			t.Fatal(err)
		}
		state["kernel settings"] = append(state["kernel settings"], name+"="+strings.TrimSpace(string(value)))
	}
	return state
}

// descendants returns the ids of all processes below one, and that one.
func descendants(t *testing.T, ancestor int) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	children := map[int][]int{}
	for _, path := range stats {
		if pid, parent, _ := readStat(path); pid != 0 {
			children[parent] = append(children[parent], pid)
		}
	}
	family := []int{ancestor}
	for i := 0; i < len(family); i++ {
		family = append(family, children[family[i]]...)
	}
	return family
}

// living returns those that have not ended. One that only waits for its parent to look has.
func living(pids []int) []int {
	var all []int
	for _, pid := range pids {
		if found, _, state := readStat("/proc/" + strconv.Itoa(pid) + "/stat"); found != 0 && state != "Z" {
			all = append(all, pid)
		}
	}
	return all
}

// readStat returns the id, the parent and the state of a process; zero when it has gone.
func readStat(path string) (pid, parent int, state string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, ""
	}
	// PID (NAME) STATE PARENT …, and a name may contain anything
	end := bytes.LastIndex(text, []byte(") "))
	if _, err := fmt.Sscan(string(text), &pid); err != nil || end < 0 {
		return 0, 0, ""
	}
	if _, err := fmt.Sscan(string(text[end+2:]), &state, &parent); err != nil {
		return 0, 0, ""
	}
	return pid, parent, state
}
