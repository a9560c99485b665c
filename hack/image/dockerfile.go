package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// readDockerfile takes the recipe of the last stage of a Dockerfile, so that both ways of making an
// image have one source. It knows what an image of one binary needs, and refuses all else: an
// instruction that was passed over would make another image than Docker does.
func (r *recipe) readDockerfile(file string, arguments map[string]string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // read only
	parsed, err := parser.Parse(f)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if len(stages) == 0 {
		return fmt.Errorf("%s: has no stage", file)
	}
	last := stages[len(stages)-1]
	if last.BaseName != "scratch" {
		return fmt.Errorf("%s: the last stage is from %s; only one from scratch can be made without Docker", file, last.BaseName)
	}
	s := stage{recipe: r, arguments: arguments, values: map[string]string{}, lex: shell.NewLex(parsed.EscapeToken)}
	for _, command := range last.Commands {
		if err := s.apply(command); err != nil {
			return fmt.Errorf("%s: line %d: %w", file, command.Location()[0].Start.Line, err)
		}
	}
	return s.complete(file)
}

// stage is what was read of a stage so far.
type stage struct {
	recipe     *recipe
	arguments  map[string]string // given from outside
	values     map[string]string // of the ARGs up to here
	lex        *shell.Lex
	entrypoint []string
}

// Get and Keys are what shell.Lex wants to know about the ARGs.
func (s *stage) Get(name string) (string, bool) { v, ok := s.values[name]; return v, ok }

func (s *stage) Keys() []string {
	var names []string
	for name := range s.values {
		names = append(names, name)
	}
	return names
}

func (s *stage) apply(command instructions.Command) error {
	if c, ok := command.(instructions.SupportsSingleWordExpansion); ok {
		err := c.Expand(func(word string) (string, error) {
			expanded, _, err := s.lex.ProcessWord(word, s)
			return expanded, err
		})
		if err != nil {
			return err
		}
	}
	switch c := command.(type) {
	case *instructions.ArgCommand:
		return s.argument(c)
	case *instructions.CopyCommand:
		return s.copy(c)
	case *instructions.UserCommand:
		s.recipe.user = c.User
	case *instructions.ExposeCommand:
		for _, port := range c.Ports {
			if err := s.recipe.addPort(port); err != nil {
				return err
			}
		}
	case *instructions.LabelCommand:
		for _, l := range c.Labels {
			if err := s.recipe.addLabel(l.Key + "=" + l.Value); err != nil {
				return err
			}
		}
	case *instructions.EntrypointCommand:
		s.entrypoint = c.CmdLine
		return execForm(c.PrependShell)
	case *instructions.CmdCommand:
		s.recipe.cmd = c.CmdLine
		return execForm(c.PrependShell)
	default:
		return fmt.Errorf("%s can't be done without Docker; the stage may have ARG, COPY, USER, EXPOSE, LABEL, ENTRYPOINT and CMD", strings.ToUpper(command.Name()))
	}
	return nil
}

func (s *stage) argument(c *instructions.ArgCommand) error {
	for _, arg := range c.Args {
		if given, ok := s.arguments[arg.Key]; ok {
			s.values[arg.Key] = given
		} else if arg.Value != nil {
			s.values[arg.Key] = *arg.Value
		}
	}
	return nil
}

func (s *stage) copy(c *instructions.CopyCommand) error {
	if s.recipe.path != "" || len(c.SourcePaths) != 1 || c.From == "" {
		return errors.New("COPY: the image is one binary, of another stage")
	}
	if strings.HasSuffix(c.DestPath, "/") {
		return fmt.Errorf("COPY: name the file, and not only its folder %s", c.DestPath)
	}
	s.recipe.path = c.DestPath
	return nil
}

func execForm(shell bool) error {
	if shell {
		return errors.New(`there is no shell in the image: write it as ["…", "…"]`)
	}
	return nil
}

func (s *stage) complete(file string) error {
	if s.recipe.path == "" || !slices.Equal(s.entrypoint, []string{s.recipe.path}) {
		return fmt.Errorf("%s: ENTRYPOINT is %q; it must be the binary that COPY brings, %q", file, s.entrypoint, s.recipe.path)
	}
	for name := range s.arguments {
		if _, known := s.values[name]; !known {
			return fmt.Errorf("%s: the last stage has no ARG %s, which --build-arg gives", file, name)
		}
	}
	return nil
}
