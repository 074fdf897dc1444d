// Package docgen has tests that hold documents to the code. They write docs/configuration.md from the comments of the fields,
// the index of docs/troubleshooting.md from the texts of errors and log lines, and docs/licences.md from the modules that are
// linked; each fails when its document is out of date. It has no code of its own and starts no goroutines.
package docgen
