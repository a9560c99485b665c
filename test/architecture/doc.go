// Package architecture keeps the house in order: its tests read what every package imports and fail,
// with the reason, when one depends on another that it must not know. The rules are those of
// docs/architecture.md; a rule that is wrong is changed there, by a decision record, and then here.
package architecture
