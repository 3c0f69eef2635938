// Package cloudtest is what every driver of pkg/cloud must do, as a suite of
// tests: drivers that change power really do, drivers that cannot refuse.
package cloudtest
