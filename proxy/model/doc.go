// Package model is the language in which the data plane is told what to do: plain data, no
// behaviour beyond checking itself, and nothing but the standard library.
//
// The data plane owns this language. Controllers translate cluster objects into a [Config];
// table.Compile turns a Config into an immutable route table. Neither Kubernetes nor an
// annotation is known here.
package model
