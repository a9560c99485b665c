package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"

	"github.com/fairlead/fairlead/test/cluster"
)

const usage = `usage:
  go run ./hack/demo up [--detach]   start a control plane, three pods and Fairlead, and say what to try
  go run ./hack/demo down            stop what "up --detach" left running
  go run ./hack/demo chat [URL]      keep a socket open on the terminal, and talk
  go run ./hack/demo pods [ADDRESS]  run chat servers where examples/ expects them, or on the addresses given

"up" and "chat" have flags: go run ./hack/demo up --help
`

func main() {
	// What Isolated starts ends with the thread that started it: stay on the first one, which lasts.
	runtime.LockOSThread()
	cluster.Enter()
	if err := run(os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintf(os.Stderr, "demo: %v\n", err)
			os.Exit(1)
		}
		os.Exit(2)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return flag.ErrHelp
	}
	// All paths below are relative to the repository.
	root, err := cluster.Root()
	if err != nil {
		return err
	}
	if err := os.Chdir(root); err != nil {
		return err
	}
	command, rest := args[0], args[1:]
	switch command {
	case "up":
		return up(rest, out)
	case "down":
		return down(out)
	case "chat":
		return talk(rest, os.Stdin, out)
	case "pods":
		return pods(rest, out)
	case commandInside:
		return inside(rest, out)
	}
	fmt.Fprint(os.Stderr, usage)
	return flag.ErrHelp
}

// tell prints a line. A terminal that is gone is no reason to end.
func tell(out io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(out, format+"\n", args...)
}

// ports are where the demo is reached on 127.0.0.1.
type ports struct{ HTTP, HTTPS, Admin, API int }

// add declares a flag for each port; its default comes from the environment, so that make demo can be told too.
func (p *ports) add(flags *flag.FlagSet) error {
	for _, one := range p.all() {
		*one.port = one.usual
		if text := os.Getenv(one.variable); text != "" {
			number, err := strconv.Atoi(text)
			if err != nil || number < 1 || number > 65535 {
				return fmt.Errorf("%s is %q: want a port, 1 to 65535", one.variable, text)
			}
			*one.port = number
		}
		flags.IntVar(one.port, one.flag, *one.port, fmt.Sprintf("`port` of %s on 127.0.0.1 (or environment %s)", one.what, one.variable))
	}
	return nil
}

// args are the flags that say the same.
func (p *ports) args() []string {
	var args []string
	for _, one := range p.all() {
		args = append(args, "--"+one.flag, strconv.Itoa(*one.port))
	}
	return args
}

type portFlag struct {
	port                 *int
	usual                int
	flag, variable, what string
}

// all lists the ports in the order in which listeners are passed on.
func (p *ports) all() []portFlag {
	return []portFlag{
		{&p.HTTP, 8080, "http-port", "FAIRLEAD_DEMO_HTTP_PORT", "HTTP"},
		{&p.HTTPS, 8443, "https-port", "FAIRLEAD_DEMO_HTTPS_PORT", "HTTPS"},
		{&p.Admin, 9090, "admin-port", "FAIRLEAD_DEMO_ADMIN_PORT", "the admin address"},
		{&p.API, 16443, "api-port", "FAIRLEAD_DEMO_API_PORT", "the API server"},
	}
}
