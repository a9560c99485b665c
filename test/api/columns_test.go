package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/api/v1alpha1"
)

// TestWhatKubectlGetPrints asks for the table that kubectl get and kubectl get -o wide print.
func TestWhatKubectlGetPrints(t *testing.T) {
	create(t, manifest(t, `
apiVersion: fairlead.dev/v1alpha1
kind: WebSocketRoute
metadata: {name: printed, namespace: default}
spec:
  ingressClassName: fairlead
  hosts: [chat.example.com, talk.example.com]
  rules:
  - backends: [{name: chat, port: 8080, weight: 9}, {name: chat-next, port: ws}]
`))
	cells := row(t, "printed")
	for name, want := range map[string]any{
		"Name":       "printed",
		"Hosts":      `["chat.example.com","talk.example.com"]`,
		"Class":      "fairlead",
		"Programmed": nil,
		"Address":    nil,
		"Reason":     nil,
		"Backends":   `[{"name":"chat","port":8080,"weight":9},{"name":"chat-next","port":"ws","weight":1}]`,
	} {
		if cells[name] != want {
			t.Errorf("new route: column %s is %v, want %v", name, cells[name], want)
		}
	}

	var route v1alpha1.WebSocketRoute
	if err := api.Get(deadline(t), client.ObjectKey{Namespace: "default", Name: "printed"}, &route); err != nil {
		t.Fatal(err)
	}
	route.Status = served(route.Generation)
	if err := api.Status().Update(deadline(t), &route); err != nil {
		t.Fatal(err)
	}
	after := row(t, "printed")
	want := maps.Clone(cells)
	want["Programmed"], want["Reason"], want["Address"] = "True", "Programmed", "192.0.2.10"
	delete(want, "Age")
	for name, value := range want {
		if after[name] != value {
			t.Errorf("served route: column %s is %v, want %v", name, after[name], value)
		}
	}
}

// TestShortNamesAndCategories: kubectl get wsr, kubectl get networking, kubectl get fairlead.
func TestShortNamesAndCategories(t *testing.T) {
	discovered, err := discovery.NewDiscoveryClientForConfig(restConfig)
	if err != nil {
		t.Fatal(err)
	}
	resources, err := discovered.ServerResourcesForGroupVersion(v1alpha1.GroupVersion.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range resources.APIResources {
		if r.Name == "websocketroutes" {
			got := fmt.Sprintln(r.Kind, r.Namespaced, r.ShortNames, r.Categories)
			if want := "WebSocketRoute true [wsr] [networking fairlead]\n"; got != want {
				t.Errorf("discovered as %s, want %s", got, want)
			}
			return
		}
	}
	t.Error("websocketroutes is not discovered")
}

// row is a route's line of the table, by column name.
func row(t *testing.T, name string) map[string]any {
	t.Helper()
	httpClient, err := rest.HTTPClientFor(restConfig)
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.JoinPath(restConfig.Host, "apis/fairlead.dev/v1alpha1/namespaces/default/websocketroutes", name)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(deadline(t), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
	response, err := httpClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var table metav1.Table
	if err := json.NewDecoder(response.Body).Decode(&table); err != nil {
		t.Fatal(err)
	}
	if len(table.Rows) != 1 {
		t.Fatalf("%s: %d rows, want 1", response.Status, len(table.Rows))
	}
	wide := map[string]bool{"Backends": true, "Reason": true}
	cells := map[string]any{}
	for i, column := range table.ColumnDefinitions {
		cells[column.Name] = table.Rows[0].Cells[i]
		if wide[column.Name] != (column.Priority > 0) {
			t.Errorf("column %s has priority %d", column.Name, column.Priority)
		}
		if column.Description == "" {
			t.Errorf("column %s has no description", column.Name)
		}
	}
	return cells
}

// served is the status of a route in force.
func served(generation int64) v1alpha1.WebSocketRouteStatus {
	var status v1alpha1.WebSocketRouteStatus
	for kind, reason := range map[v1alpha1.ConditionType]v1alpha1.Reason{
		v1alpha1.ConditionAccepted:     v1alpha1.ReasonAccepted,
		v1alpha1.ConditionResolvedRefs: v1alpha1.ReasonResolvedRefs,
		v1alpha1.ConditionProgrammed:   v1alpha1.ReasonProgrammed,
	} {
		status.Conditions = append(status.Conditions, metav1.Condition{
			Type: string(kind), Status: metav1.ConditionTrue, Reason: string(reason),
			ObservedGeneration: generation,
			LastTransitionTime: metav1.NewTime(time.Unix(1_800_000_000, 0)),
		})
	}
	status.Addresses = []v1alpha1.Address{
		{Type: v1alpha1.IPAddressType, Value: "192.0.2.10"},
		{Type: v1alpha1.HostnameAddressType, Value: "ingress.example.com"},
	}
	return status
}
