package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
)

// retireLook is how often it is looked whether the last replica has ended.
const retireLook = 500 * time.Millisecond

func newRetire() *cobra.Command {
	var (
		namespace, release string
		timeout            time.Duration
	)
	cmd := &cobra.Command{
		Use:   "retire deployment/NAME|daemonset/NAME",
		Short: "Delete a Deployment or DaemonSet of Fairlead and wait until its replicas have said goodbye",
		Long: "Delete a Deployment or DaemonSet of Fairlead and wait until its last replica has closed its sockets and cleared the\n" +
			"status of objects. For this the replicas need their rights, and clients need the Service; helm uninstall would delete\n" +
			"both at once, so that the chart runs this before.",
		Example: "  fairlead retire deployment/fairlead --namespace fairlead-system",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			workload, err := workloadOf(args[0], namespace)
			if err != nil {
				return err
			}
			api, err := config.GetConfig()
			if err != nil {
				return fmt.Errorf("no cluster: not in a pod and no kubeconfig: %w", err)
			}
			c, err := client.New(api, client.Options{})
			if err != nil {
				return fmt.Errorf("client of the API server: %w", err)
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			if release != "" {
				if ours, err := belongs(ctx, c, workload, release, cmd.OutOrStdout()); err != nil || !ours {
					return err
				}
			}
			return retire(ctx, c, workload, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&namespace, "namespace", "n", "default", "`namespace` of the Deployment or DaemonSet")
	flags.StringVar(&release, "release", "", "do nothing unless this `release` of helm, or Argo CD, takes care of it: the Jobs of hooks run at once, and\n"+
		"not at the end, where kubectl applies what helm template prints")
	flags.DurationVar(&timeout, "timeout", 5*time.Minute, "how long to wait: at least as long as pods may take to end")
	flags.AddGoFlag(flag.Lookup("kubeconfig")) // controller-runtime's
	return cmd
}

// workloadOf reads deployment/NAME or daemonset/NAME.
func workloadOf(argument, namespace string) (client.Object, error) {
	kind, name, _ := strings.Cut(argument, "/")
	meta := metav1.ObjectMeta{Namespace: namespace, Name: name}
	switch {
	case name == "":
	case kind == "deployment":
		return &appsv1.Deployment{ObjectMeta: meta}, nil
	case kind == "daemonset":
		return &appsv1.DaemonSet{ObjectMeta: meta}, nil
	}
	return nil, fmt.Errorf("%q: want deployment/NAME or daemonset/NAME", argument)
}

// Who takes care of a workload leaves its name there. kubectl, which knows no hooks, does not.
const (
	releaseName      = "meta.helm.sh/release-name"
	releaseNamespace = "meta.helm.sh/release-namespace"
	argoTracks       = "argocd.argoproj.io/tracking-id"
)

// belongs tells whether somebody who knows what a hook is takes care of the workload, and tells out if nobody does. One that is not
// there is nobody's: it may be applied in the next moment.
func belongs(ctx context.Context, c client.Client, workload client.Object, release string, out io.Writer) (bool, error) {
	key := client.ObjectKeyFromObject(workload)
	err := c.Get(ctx, key, workload)
	if apierrors.IsNotFound(err) {
		_, err = fmt.Fprintf(out, "%s is not there\n", key)
		return false, err
	}
	if err != nil {
		return false, fmt.Errorf("whose %s is: %w", key, err)
	}
	notes := workload.GetAnnotations()
	if notes[argoTracks] != "" || notes[releaseName] == release && notes[releaseNamespace] == key.Namespace {
		return true, nil
	}
	_, err = fmt.Fprintf(out, "%s does not belong to release %s of helm, and is left alone: this is a hook for `helm uninstall`. "+
		"Where kubectl applies the chart, leave hooks out by `helm template --no-hooks`.\n", key, release)
	return false, err
}

// retire deletes the workload in the foreground, which means that it is there until its last pod has ended, and waits for that.
func retire(ctx context.Context, c client.Client, workload client.Object, out io.Writer) error {
	key := client.ObjectKeyFromObject(workload)
	began := time.Now()
	err := c.Delete(ctx, workload, client.PropagationPolicy(metav1.DeletePropagationForeground))
	if apierrors.IsNotFound(err) {
		_, err = fmt.Fprintf(out, "%s is not there\n", key)
		return err
	}
	for err == nil {
		if err = c.Get(ctx, key, workload); err != nil {
			break
		}
		select {
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-time.After(retireLook):
		}
	}
	if apierrors.IsNotFound(err) {
		_, err = fmt.Fprintf(out, "all replicas of %s have ended after %s\n", key, time.Since(began).Round(time.Second))
		return err
	}
	return fmt.Errorf("%s was to end, and to be waited for: %w", key, cmp.Or(context.Cause(ctx), err))
}
