package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	recipe recipe
	tags   []name.Tag
	output string
	push   []name.Tag
}

func run(ctx context.Context, args []string, out, errs io.Writer) error {
	o, err := parse(args, errs)
	if err != nil {
		return err
	}
	made, err := o.recipe.make()
	if err != nil {
		return err
	}
	if o.output != "" {
		if err := writeArchive(o.output, made, o.tags); err != nil {
			return err
		}
	}
	for _, to := range o.push {
		if err := push(ctx, made, to); err != nil {
			return err
		}
	}
	return report(out, o, made)
}

func parse(args []string, errs io.Writer) (options, error) {
	o := options{recipe: recipe{labels: map[string]string{}}}
	var created, dockerfile string
	arguments := map[string]string{}
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // an error says what to do, and is printed once
	flags.Func("binary", "`platform=file`: the static binary of a platform, such as linux/arm64=bin/fairlead; one for each", o.recipe.addBinary)
	flags.StringVar(&dockerfile, "dockerfile", "", "`file` whose last stage says what the next five flags would")
	flags.Func("build-arg", "`name=value` of an ARG of --dockerfile; may be repeated", func(s string) error {
		name, value, ok := strings.Cut(s, "=")
		if arguments[name] = value; !ok {
			return errors.New("write name=value")
		}
		return nil
	})
	flags.StringVar(&o.recipe.path, "path", "", "where the binary is in the image, and the entrypoint; empty: /FILE's name, or that of the --tag")
	flags.Func("cmd", "`argument` of the entrypoint that docker run and args replace; may be repeated", func(s string) error {
		o.recipe.cmd = append(o.recipe.cmd, s)
		return nil
	})
	flags.StringVar(&o.recipe.user, "user", "65532:65532", "`uid:gid` of the process")
	flags.Func("port", "`port` that is listened on, such as 8080 or 53/udp; may be repeated", o.recipe.addPort)
	flags.Func("label", "`key=value` label, which is an annotation of the index too; may be repeated", o.recipe.addLabel)
	flags.StringVar(&created, "created", os.Getenv("SOURCE_DATE_EPOCH"), "`time` of image and file, RFC 3339 or seconds since 1970; empty: SOURCE_DATE_EPOCH, or 1970")
	flags.Func("tag", "`name:tag` of the image in the archive; may be repeated", func(s string) error { return addTag(&o.tags, s) })
	flags.StringVar(&o.output, "output", "", "the OCI archive to write, a `file`.tar")
	flags.Func("push", "`name:tag` in a registry to send the image to, with the credentials of docker login; may be repeated", func(s string) error { return addTag(&o.push, s) })
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(errs)
			_, _ = fmt.Fprintln(errs, "usage: image --binary linux/amd64=FILE... --tag NAME:TAG... --output FILE.tar [--push NAME:TAG]")
			flags.PrintDefaults()
		}
		return o, err
	}
	var err error
	if o.recipe.created, err = parseTime(created); err != nil {
		return o, err
	}
	if dockerfile != "" {
		flags.Visit(func(f *flag.Flag) {
			if slices.Contains([]string{"path", "cmd", "user", "port", "label"}, f.Name) {
				err = fmt.Errorf("--%s: comes from --dockerfile", f.Name)
			}
		})
		if err == nil {
			err = o.recipe.readDockerfile(dockerfile, arguments)
		}
		if err != nil {
			return o, err
		}
	}
	err = o.complete(flags.Args())
	return o, err
}

// complete checks what the flags hold together, and fills in what follows from them.
func (o *options) complete(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q: everything is a flag; see --help", rest[0])
	case len(o.recipe.binaries) == 0:
		return errors.New("no --binary: say what goes into the image, such as --binary linux/amd64=bin/fairlead")
	case o.output == "" && len(o.push) == 0:
		return errors.New("neither --output nor --push: say where the image goes")
	case o.output != "" && len(o.tags) == 0:
		return errors.New("--output without --tag: nobody could name the image after loading it")
	}
	if o.recipe.path == "" {
		tag := append(o.tags, o.push...)[0]
		o.recipe.path = "/" + tag.RepositoryStr()[strings.LastIndexByte(tag.RepositoryStr(), '/')+1:]
	}
	if !strings.HasPrefix(o.recipe.path, "/") || strings.HasSuffix(o.recipe.path, "/") {
		return fmt.Errorf("--path %s: give an absolute path of a file, such as /fairlead", o.recipe.path)
	}
	return nil
}

func addTag(tags *[]name.Tag, s string) error {
	tag, err := name.NewTag(s, name.StrictValidation)
	if err != nil {
		tag, err = name.NewTag(s)
		if err == nil && !strings.HasSuffix(s, ":"+tag.TagStr()) {
			err = errors.New("give a tag too, such as name:0.1.0; \"latest\" says nothing about what it is")
		}
	}
	*tags = append(*tags, tag)
	return err
}

func parseTime(s string) (v1.Time, error) {
	if s == "" {
		return v1.Time{Time: time.Unix(0, 0).UTC()}, nil
	}
	if seconds, err := strconv.ParseInt(s, 10, 64); err == nil {
		return v1.Time{Time: time.Unix(seconds, 0).UTC()}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return v1.Time{}, fmt.Errorf("--created %s: neither RFC 3339, such as 2026-01-31T12:00:00Z, nor seconds since 1970", s)
	}
	return v1.Time{Time: t.UTC()}, nil
}
