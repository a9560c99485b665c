// Command pod is the chat server of [github.com/fairlead/fairlead/test/chat] as the only process of a container.
//
//	pod --address :8080 --linger 3s --close-code 1001 --goodbye 5s
//
// It ends as a good application does: on SIGTERM /healthz answers 503, new sockets are still taken for --linger, because those
// who send them hear of a pod's end a little later than the pod itself, and then every socket gets a Close frame. What has not
// answered it after --goodbye is cut. No preStop hook is needed.
package main
