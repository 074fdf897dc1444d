package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	module   = "github.com/mesos-actor/mesos-actor-go"
	mesosGo  = "github.com/mesos/mesos-go/api/v1/lib"
	gogo     = "github.com/gogo/protobuf"
	recordio = "internal/recordio"
)

// imports says what each package may import beside the standard library: folders of this module, or
// other modules' packages (with everything below them). Data flows down, never up. A package that
// is missing here fails the test, so that a new one is added on purpose.
var imports = map[string][]string{
	"examples/batchrunner": {"scheduler", "ha", "task", "mesosfake"},
	"examples/invoker":     {"controlapi", "ha", "ha/cluster", "invoker", "invoker/httpapi", "invoker/mesosengine", "invoker/procengine", "mesosfake", "scheduler"},
	"examples/samplefw":    {"scheduler", "ha", "ha/cluster", "ha/zookeeper", "taskbuilder", "taskmatcher", "task", "mesosfake", "controlapi", "metrics", "github.com/prometheus/client_golang", "github.com/spf13/cobra", "github.com/spf13/pflag", "go.yaml.in/yaml/v3", "golang.org/x/term"},
	"scheduler": {
		"scheduler/internal/demand", "scheduler/internal/journal", "scheduler/internal/mastertext", "scheduler/internal/offerfilter",
		"scheduler/internal/ordered", "scheduler/internal/record",
		"taskmatcher", "taskbuilder", "task", "internal/taskclass", "internal/agenthttp", "internal/mesoshttp", "internal/detector", "internal/fenced", "internal/logguard", "internal/logkey", "internal/mesosid", "internal/printable",
		mesosGo,
	},
	"taskmatcher":        {"task", "internal/taskclass", mesosGo},
	"taskbuilder":        {"task", mesosGo, gogo},
	"task":               {"internal/mesosid", "internal/printable", mesosGo},
	"internal/taskclass": {"task"},
	"internal/eventpb":   {mesosGo},
	"internal/mesoshttp": {"internal/eventpb", recordio, "internal/printable", "internal/zkaddress", mesosGo, gogo},
	"internal/agenthttp": {"internal/mesoshttp"},
	"internal/detector":  {"internal/printable", "internal/tokenbucket", "internal/zkaddress", "internal/zkconn", mesosGo, "github.com/go-zookeeper/zk"},
	// ha for the election's status only.
	"controlapi":      {"scheduler", "ha", "task", "internal/printable", "controlapi/page"},
	"controlapi/page": {},
	// Its engines import only what they run on.
	"invoker": {
		"invoker/internal/actionclient",
		"invoker/internal/breaker", "invoker/internal/keepalive", "invoker/internal/logslice", "invoker/internal/stemsize", "invoker/internal/victims",
		"scheduler", "task", "internal/fenced", "internal/logguard", "internal/logkey", "internal/printable",
	},
	"invoker/enginetest": {"invoker"},
	"invoker/procengine": {"invoker", "invoker/internal/rotation"},
	"invoker/httpapi":    {"invoker", "controlapi", "scheduler", "task"},

	"invoker/internal/actionclient": {"internal/printable"},

	// The parts of its machine.
	"invoker/internal/breaker":   {},
	"invoker/internal/keepalive": {},
	"invoker/internal/logslice":  {},
	"invoker/internal/stemsize":  {},
	"invoker/internal/victims":   {},
	// For the comparison with OpenWhisk, in tests and benchmarks.
	"invoker/internal/whiskpool": {"invoker/internal/stemsize", "invoker/internal/workload"},
	"invoker/internal/workload":  {},
	"invoker/internal/rotation":  {"invoker"}, // for engines
	"invoker/mesosengine":        {"invoker", "invoker/internal/rotation", "scheduler", "task", "taskmatcher", mesosGo},
	"invoker/whiskconf":          {"invoker", "invoker/mesosengine", "scheduler", "task"},
	// The public face of the fake master.
	"mesosfake": {"internal/mesostest", "internal/virtualnet", mesosGo},
	// The fake master is the other side of the wire: it must not know the scheduler.
	"internal/mesostest": {
		"internal/mesostest/constraints", "internal/mesostest/resources", "internal/mesostest/shell", "internal/mesostest/validate",
		"internal/mesostest/wirejson", recordio, "internal/virtualnet", mesosGo, gogo, "github.com/google/uuid",
	},
	"internal/mesostest/constraints": {"internal/mesostest/wirejson", mesosGo},
	"internal/mesostest/resources":   {mesosGo},
	"internal/mesostest/shell":       {mesosGo},
	"internal/mesostest/validate":    {"internal/mesostest/resources", "internal/mesostest/wirejson", mesosGo, gogo},
	"internal/mesostest/wirejson":    {gogo},
	// Stores know nothing of Mesos or of the scheduler.
	"ha":           {"go.etcd.io/bbolt", "internal/boltfile", "scheduler", "internal/logguard", "internal/logkey", "internal/printable"}, // for the term that an elector gives
	"ha/storetest": {"internal/fenced"},
	// For tests: an election in one process, and a suite for electors.
	"ha/electiontest": {"ha", "scheduler"},
	"ha/cluster": {
		"ha", "scheduler", "internal/boltfile", "internal/logguard", "internal/logkey", "internal/printable", "github.com/hashicorp/go-hclog", "github.com/hashicorp/memberlist", "github.com/hashicorp/raft", "go.etcd.io/bbolt",
	},
	"ha/zookeeper": {"ha", "scheduler", "internal/logguard", "internal/logkey", "internal/printable", "internal/tokenbucket", "internal/zkaddress", "internal/zkconn", "github.com/go-zookeeper/zk"},
	"metrics":      {"ha", "invoker", "scheduler", "task", mesosGo, "github.com/prometheus/client_golang/prometheus"},
	// The API of OpenTelemetry, not the SDK.
	"tracing": {
		"scheduler", "task", "go.opentelemetry.io/otel/attribute", "go.opentelemetry.io/otel/codes", "go.opentelemetry.io/otel/propagation", "go.opentelemetry.io/otel/trace",
	},
	// Tests only: behaviours of scheduler, on the wire and through its public API.
	"internal/conformance": {},
	// Tests only: members, schedulers and the fake master together.
	"internal/flood":                 {},
	"internal/hatest":                {},
	"internal/killtest":              {},
	recordio:                         {},
	"internal/virtualnet":            {},
	"internal/logguard":              {"internal/logkey", "internal/tokenbucket"},
	"internal/logkey":                {},
	"internal/boltfile":              {},
	"internal/fenced":                {},
	"internal/mesosid":               {},
	"internal/printable":             {},
	"internal/tokenbucket":           {},
	"internal/zkaddress":             {},
	"internal/zkconn":                {},
	"internal/chromiumtest":          {"github.com/stretchr/testify/require"},
	"internal/zktest":                {"github.com/go-zookeeper/zk", "github.com/stretchr/testify/require"},
	"internal/archtest":              {},
	"internal/benchdoc":              {},
	"internal/actionruntime":         {},
	"internal/actionruntime/program": {"internal/actionruntime"},
	"internal/docgen":                {},
	// The parts of the scheduler's machine, which must not know it.
	"scheduler/internal/demand":      {"internal/tokenbucket"},
	"scheduler/internal/journal":     {"scheduler/internal/ordered"},
	"scheduler/internal/mastertext":  {},
	"scheduler/internal/offerfilter": {"task", mesosGo},
	"scheduler/internal/ordered":     {},
	"scheduler/internal/record":      {"task", "internal/taskclass", mesosGo},
}

// sources parses all Go files below the root, by folder: the tests, or what is not a test.
func sources(t *testing.T, root string, tests bool) (*token.FileSet, map[string][]*ast.File) {
	fset, folders := token.NewFileSet(), map[string][]*ast.File{}
	require.NoError(t, filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && name != root) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") != tests {
			return nil
		}
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(name))
		folders[filepath.ToSlash(folder)] = append(folders[filepath.ToSlash(folder)], file)
		return err
	}))
	return fset, folders
}

// forbiddenImports lists the imports of a folder's files that the table does not allow.
func forbiddenImports(folder string, files []*ast.File) []string {
	allowed, known := imports[folder]
	if !known {
		return []string{folder + " is not in the table"}
	}
	var bad []string
	for _, file := range files {
		for _, spec := range file.Imports {
			name := strings.Trim(spec.Path.Value, `"`)
			if first, _, _ := strings.Cut(name, "/"); !strings.Contains(first, ".") {
				continue // standard library
			}
			ok := slices.ContainsFunc(allowed, func(a string) bool {
				return name == path.Join(module, a) || name == a || strings.HasPrefix(name, a+"/")
			})
			if !ok {
				bad = append(bad, fmt.Sprintf("%s imports %s", folder, name))
			}
		}
	}
	return bad
}

func TestImports(t *testing.T) {
	_, folders := sources(t, "../..", false)
	for folder := range imports {
		require.Contains(t, folders, folder, "the table names a package that does not exist")
	}
	for folder, files := range folders {
		require.Empty(t, forbiddenImports(folder, files))
	}
}

func TestOnePackageComment(t *testing.T) {
	_, folders := sources(t, "../..", false)
	for folder, files := range folders {
		comments := 0
		for _, file := range files {
			if file.Doc != nil {
				comments++
			}
		}
		require.Equal(t, 1, comments, "package comments in %s", folder)
	}
}

// Of testify only require is used: a test that continues after a failed check reports misleading errors.
func TestRequireOnly(t *testing.T) {
	_, folders := sources(t, "../..", true)
	required := 0
	for folder, files := range folders {
		for _, file := range files {
			for _, spec := range file.Imports {
				if name := strings.Trim(spec.Path.Value, `"`); strings.HasPrefix(name, "github.com/stretchr/testify/") {
					require.Equal(t, "github.com/stretchr/testify/require", name, "in %s", folder)
					required++
				}
			}
		}
	}
	require.NotZero(t, required)
}

// TestImportsControl is the negative test of forbiddenImports.
func TestImportsControl(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", `package task
		import ("fmt"; "github.com/mesos-actor/mesos-actor-go/scheduler"; "github.com/mesos/mesos-go/api/v1/lib"; "example.com/x")`, parser.ImportsOnly)
	require.NoError(t, err)
	require.Equal(t, []string{
		"task imports github.com/mesos-actor/mesos-actor-go/scheduler",
		"task imports example.com/x",
	}, forbiddenImports("task", []*ast.File{file}))
	require.Equal(t, []string{"newpackage is not in the table"}, forbiddenImports("newpackage", nil))
}
