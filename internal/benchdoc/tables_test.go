package benchdoc

import "slices"

// tables are those of docs/benchmarks.md.
var tables = slices.Concat(schedulerTables, apiTables)
