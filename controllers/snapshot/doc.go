// Package snapshot reads everything that decides where a request goes, at one moment: from a
// cluster through the informer cache ([Read]), or from manifests on disk ([Files]). It is the only
// package that lists objects. What is read is thought about in translate, which has no client.
package snapshot
