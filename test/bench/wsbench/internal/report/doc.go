// Package report turns what was measured into tables of medians and ratios, and judges the bars.
package report
