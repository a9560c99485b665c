package nodes_test

import "testing"

func TestX(t *testing.T) {
	out, err := world.Kubectl(t.Context(), "get", "nodes", "-o", "wide")
	t.Log(out, err)
}
