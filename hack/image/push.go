package main

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// push sends the images of all platforms and their index to a registry.
func push(ctx context.Context, made image, to name.Tag) error {
	err := remote.WriteIndex(to, made.ImageIndex, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return fmt.Errorf("push %s: %w; credentials come from `docker login %s`", to, err, to.RegistryStr())
	}
	return nil
}
