// Package peer starts the proxies that are measured, each with a configuration of its own file, and
// tells what their processes use.
package peer
