package nginx

import (
	"encoding/json"
	"io"

	"sigs.k8s.io/yaml"
)

// WriteYAML writes objects as documents of one stream.
func WriteYAML(w io.Writer, objects []Object) error {
	for i, o := range objects {
		if i > 0 {
			if _, err := io.WriteString(w, "---\n"); err != nil {
				return err
			}
		}
		text, err := o.YAML()
		if err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	return nil
}

// YAML returns the manifest, without the fields that only a cluster fills.
func (o Object) YAML() ([]byte, error) {
	text, err := json.Marshal(o.Value)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	delete(fields, "status")
	prune(fields)
	return yaml.Marshal(fields)
}

// prune drops what is null.
func prune(fields map[string]any) {
	for name, value := range fields {
		switch v := value.(type) {
		case nil:
			delete(fields, name)
		case map[string]any:
			prune(v)
		}
	}
}
