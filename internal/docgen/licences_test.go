package docgen

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const licencesHead = `# Licences of what is linked

<!-- Written by: go test ./internal/docgen -run Licences -update -->

The library is under the Apache License 2.0. These modules are linked into programs that use it, each only by the packages
in the last column; what only tests need is not listed. Versions are in [go.mod](../go.mod).

`

// listed is a package as "go list" describes it.
type listed struct {
	module, dir string
	imports     []string
}

// listPackages returns the packages of this module and all that they import, without tests and the standard library.
func listPackages(t *testing.T) map[string]listed {
	t.Helper()
	list := exec.Command("go", "list", "-deps", "-f", `{{with .Module}}{{$.ImportPath}}|{{.Path}}|{{.Dir}}|{{range $.Imports}}{{.}} {{end}}{{end}}`, "./...")
	list.Dir, list.Stderr = root, os.Stderr
	said, err := list.Output()
	require.NoError(t, err)
	all := map[string]listed{}
	for line := range strings.Lines(string(said)) {
		if cells := strings.Split(strings.TrimSpace(line), "|"); len(cells) == 4 {
			all[cells[0]] = listed{cells[1], cells[2], strings.Fields(cells[3])}
		}
	}
	return all
}

// linkedBy returns which of the public packages of this module link each other module.
func linkedBy(all map[string]listed) map[string][]string {
	by := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name].module != module || strings.Contains(name, "/internal/") {
			continue
		}
		seen, modules := map[string]bool{}, map[string]bool{}
		var visit func(name string)
		visit = func(name string) {
			p, known := all[name]
			if seen[name] || !known {
				return
			}
			seen[name], modules[p.module] = true, true
			for _, next := range p.imports {
				visit(next)
			}
		}
		visit(name)
		for m := range modules {
			by[m] = append(by[m], strings.TrimPrefix(name, module+"/"))
		}
	}
	delete(by, module)
	return by
}

// licences returns the kinds of the licences in a text, by what each has in it.
func licences(text string) (kinds []string) {
	text = strings.Join(strings.Fields(text), " ")
	for _, kind := range []struct{ name, has string }{
		{"MPL-2.0", "Mozilla Public License, version 2.0"},
		{"MPL-2.0", "Mozilla Public License Version 2.0"},
		{"Apache-2.0", "Apache License Version 2.0"},
		{"Apache-2.0", "Licensed under the Apache License, Version 2.0"},
		{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
		{"ISC", "Permission to use, copy, modify, and/or distribute this software"},
		{"BSD-3-Clause", "used to endorse or promote products derived from this software"},
		{"BSD-2-Clause", "Redistribution and use in source and binary forms"},
	} {
		if strings.Contains(text, kind.has) && !slices.Contains(kinds, kind.name) && !slices.Contains(kinds, "BSD-3-Clause") {
			kinds = append(kinds, kind.name)
		}
	}
	return kinds
}

// licenceOf returns the kinds of the licences in the folder of a module.
func licenceOf(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	var kinds []string
	for _, file := range files {
		name := strings.ToUpper(filepath.Base(file))
		if !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "COPYING") {
			continue
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		kinds = append(kinds, licences(string(text))...)
	}
	slices.Sort(kinds)
	kinds = slices.Compact(kinds)
	return strings.Join(kinds, ", ")
}

// docs/licences.md has each module that is linked, and its licence.
func TestLicencesDocument(t *testing.T) {
	if testing.Short() {
		t.Skip("it lists packages")
	}
	all := listPackages(t)
	dirs := map[string]string{}
	for _, p := range all {
		dirs[p.module] = p.dir
	}
	var b strings.Builder
	b.WriteString(licencesHead + "| module | licence | linked by |\n| --- | --- | --- |\n")
	by := linkedBy(all)
	require.Contains(t, by, "github.com/mesos/mesos-go")
	for _, name := range slices.Sorted(maps.Keys(by)) {
		kind := licenceOf(t, dirs[name])
		require.NotEmpty(t, kind, "the licence of %s is none that is known: may it be linked?", name)
		fmt.Fprintf(&b, "| [%s](https://pkg.go.dev/%s) | %s | %s |\n", name, name, kind, strings.Join(by[name], ", "))
	}
	requireDocument(t, "docs/licences.md", b.String())
}

// The control: licences are told apart, and another text is none.
func TestLicencesControl(t *testing.T) {
	own, err := os.ReadFile(filepath.Join(root, "LICENSE"))
	require.NoError(t, err)
	require.Equal(t, []string{"Apache-2.0"}, licences(string(own)))
	require.Equal(t, []string{"MIT"}, licences("Permission is hereby granted, free of charge, to any\nperson obtaining a copy of this"))
	require.Empty(t, licences("Do what you want."))
	require.Equal(t, map[string][]string{"other": {"a", "b"}}, linkedBy(map[string]listed{
		module + "/a": {module: module, imports: []string{module + "/b"}}, module + "/b": {module: module, imports: []string{"other/x"}},
		module + "/c": {module: module, imports: []string{"fmt"}}, "other/x": {module: "other"}, "unused/y": {module: "unused"},
	}))
}
