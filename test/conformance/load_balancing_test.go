package conformance

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fairlead/fairlead/test/chat"
)

func ingress(ns, name string) *networkingv1.Ingress {
	return &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
}

// TestLoadBalancing scales a Service up and wants every pod to get its share of requests and sockets.
func TestLoadBalancing(t *testing.T) {
	const pods, each = 10, 12
	w := given(t, "echo")
	w.apply(ingressOf("balance", rule{"balance.test", "Prefix", "/", "echo"}))
	w.served("balance")
	w.visits(visit{"http://balance.test/socket", "echo"})

	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: "echo"}}
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, pods)
	if err := plane.Client.Patch(t.Context(), deployment, client.RawPatch(types.MergePatchType, patch)); err != nil {
		t.Fatal(err)
	}
	w.eventually("all pods get requests", func() error {
		got, err := spread(t.Context(), pods, byRequest)
		if err == nil && len(got) != pods {
			err = fmt.Errorf("%d pods answer: %v", len(got), got)
		}
		return err
	})
	for name, ask := range map[string]func(context.Context) (string, error){"requests": byRequest, "sockets": bySocket} {
		got, err := spread(t.Context(), pods*each, ask)
		if err != nil {
			t.Fatal(err)
		}
		for pod, count := range got {
			if count < each-2 || count > each+2 {
				t.Errorf("%s: %s got %d of %d, want %d give or take 2: %v", name, pod, count, pods*each, each, got)
			}
		}
		if len(got) != pods {
			t.Errorf("%s went to %d of %d pods", name, len(got), pods)
		}
	}
}

// spread counts which pods answer n times.
func spread(ctx context.Context, n int, ask func(context.Context) (string, error)) (map[string]int, error) {
	count := map[string]int{}
	for range n {
		pod, err := ask(ctx)
		if err != nil {
			return nil, err
		}
		count[pod]++
	}
	return count, nil
}

func byRequest(ctx context.Context) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://balance.test/healthz", nil)
	if err != nil {
		return "", err
	}
	answer, err := browser.Do(r)
	if err != nil {
		return "", err
	}
	return answer.Header.Get(chat.HeaderPod), answer.Body.Close()
}

func bySocket(ctx context.Context) (string, error) {
	conn, answer, err := sockets.DialContext(ctx, "ws"+strings.TrimPrefix("http://balance.test/socket", "http"), nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }() // how it ends is not asked here
	var hello chat.Hello
	if err := conn.ReadJSON(&hello); err != nil {
		return "", err
	}
	if got := answer.Header.Get(chat.HeaderPod); got != hello.Pod {
		return "", fmt.Errorf("the answer is of %s, the greeting of %s: %w", got, hello.Pod, websocket.ErrBadHandshake)
	}
	return hello.Pod, nil
}
