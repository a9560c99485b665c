// Package follow keeps up with objects that a replica may not be allowed to read, or whose kind the
// cluster may not have. An informer asks for ever, and blocks whoever waits for its cache; what is in
// here says what is the matter, and asks again with a pause that grows: a right that is granted later,
// and a kind that is installed later, are noticed.
package follow
