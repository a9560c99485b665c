package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// parts lists what each binary and each image is made of, as CycloneDX.
func (r *release) parts(ctx context.Context) error {
	syft, err := output(ctx, "hack/sbom/build.sh")
	if err != nil {
		return err
	}
	list := func(what, source string, flags ...string) error {
		flags = append([]string{"scan", source, "--quiet", "--source-name", "fairlead", "--source-version", r.version, "--output", "cyclonedx-json"}, flags...)
		cmd := command(ctx, syft, flags...)
		cmd.Env = append(os.Environ(), "SYFT_CHECK_FOR_APP_UPDATE=false")
		cmd.Stdout = nil
		said, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("%s: %w", source, err)
		}
		// Where the binary lay for the time of the release says nothing to anybody.
		said = bytes.ReplaceAll(said, []byte(strings.TrimPrefix(source, "file:")), []byte("/fairlead"))
		if said, err = settled(said, r.created); err != nil {
			return fmt.Errorf("%s: %w", source, err)
		}
		return os.WriteFile(r.file(what, ".cdx.json"), said, 0o644)
	}
	for _, platform := range platforms {
		if err := list(platform, "file:"+r.binaries[platform]); err != nil {
			return err
		}
		if strings.HasPrefix(platform, "linux/") {
			architecture := strings.TrimPrefix(platform, "linux/")
			if err := list("image_"+architecture, "oci-archive:"+r.file("image", ".tar"), "--platform", platform); err != nil {
				return err
			}
		}
	}
	return nil
}

// settled takes what is new at each run out of a list of parts: the time, the name of the whole, which is
// made from a path, and the number, which then follows from the content.
func settled(list []byte, at time.Time) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(list, &doc); err != nil {
		return nil, err
	}
	metadata, ok := doc["metadata"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("not CycloneDX: no metadata")
	}
	metadata["timestamp"] = at.UTC().Format(time.RFC3339)
	if whole, ok := metadata["component"].(map[string]any); ok {
		was := whole["bom-ref"]
		whole["bom-ref"] = "fairlead"
		dependencies, _ := doc["dependencies"].([]any) // there may be none
		for _, d := range dependencies {
			if of, ok := d.(map[string]any); ok && of["ref"] == was {
				of["ref"] = "fairlead"
			}
		}
	}
	delete(doc, "serialNumber")
	content, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(content)
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // a UUID of version 8: RFC 9562 leaves its bits to us
	doc["serialNumber"] = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:16])
	return json.MarshalIndent(doc, "", " ")
}
