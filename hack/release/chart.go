package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"sigs.k8s.io/yaml"
)

const chartFolder = "charts/fairlead"

// chart packages a copy of the chart, which names this release and its image.
func (r *release) chart(ctx context.Context) error {
	dir := filepath.Join(r.work, "fairlead")
	if err := os.CopyFS(dir, os.DirFS(chartFolder)); err != nil {
		return err
	}
	if err := edit(filepath.Join(dir, "Chart.yaml"), r.describe); err != nil {
		return err
	}
	if err := edit(filepath.Join(dir, "values.yaml"), r.nameImage); err != nil {
		return err
	}
	if err := setTimes(dir, r.created); err != nil {
		return err
	}
	helm, err := output(ctx, "hack/helm/build.sh")
	if err != nil {
		return err
	}
	_, err = output(ctx, helm, "package", dir, "--version", r.version, "--app-version", r.version, "--destination", r.out)
	return err
}

// describe writes into Chart.yaml what Artifact Hub shows about this release; the rest is there.
func (r *release) describe(content []byte) ([]byte, error) {
	var chart map[string]any
	if err := yaml.Unmarshal(content, &chart); err != nil {
		return nil, err
	}
	annotations, ok := chart["annotations"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s/Chart.yaml: has no annotations", chartFolder)
	}
	changelog, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		return nil, err
	}
	said, err := section(string(changelog), r.version)
	if err != nil {
		return nil, err
	}
	images := []map[string]string{{"name": "fairlead", "image": r.repository + ":" + r.version}}
	for name, value := range map[string]any{"changes": changes(said), "images": images} {
		text, err := yaml.Marshal(value)
		if err != nil {
			return nil, err
		}
		annotations["artifacthub.io/"+name] = string(text)
	}
	annotations["artifacthub.io/prerelease"] = strconv.FormatBool(prerelease(r.version))
	return yaml.Marshal(chart)
}

var repository = regexp.MustCompile(`(?m)^image:\n(?:  #.*\n)*  repository: .*$`)

// nameImage writes the image's repository into values.yaml and leaves its comments as they are.
func (r *release) nameImage(content []byte) ([]byte, error) {
	if n := len(repository.FindAll(content, -1)); n != 1 {
		return nil, fmt.Errorf("%s/values.yaml: image.repository was found %d times at the top of image", chartFolder, n)
	}
	return repository.ReplaceAllFunc(content, func(found []byte) []byte {
		return regexp.MustCompile(`(?m)^  repository: .*$`).ReplaceAll(found, []byte("  repository: "+r.repository))
	}), nil
}

func edit(file string, change func([]byte) ([]byte, error)) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if content, err = change(content); err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}

// setTimes gives all files one time, which helm takes into the package.
func setTimes(dir string, to time.Time) error {
	return filepath.Walk(dir, func(path string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(path, to, to)
	})
}
