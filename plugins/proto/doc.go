// Package proto is the wire format between stepwise and its plugins, generated
// from stepwise.proto. Plugin authors in Go use package plugins, which hides it.
package proto

//go:generate ./generate.sh
