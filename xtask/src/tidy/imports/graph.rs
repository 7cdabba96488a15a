//! Which files of a crate import which, and the loops among them.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{ModulePath, Source};

/// How many re-exports are followed from one name: enough for any that is not a loop itself.
const MAX_STEPS: usize = 16;

/// The imports of each file: the modules that it imports, with the names.
type Edges<'a> = BTreeMap<&'a [String], BTreeMap<&'a [String], BTreeSet<String>>>;

/// Returns a text for each loop.
pub(super) fn loops(sources: &[Source]) -> Vec<String> {
    let crate_files = CrateFiles::new(sources);
    let edges = crate_files.edges();
    let reachable: BTreeMap<_, _> = edges
        .keys()
        .map(|&module| (module, reachable(&edges, module)))
        .collect();
    let mut shown = BTreeSet::new();
    let mut texts = Vec::new();
    for (&module, others) in &reachable {
        if !others.contains(module) || shown.contains(module) {
            continue;
        }
        // Two files are in the same loop if each reaches the other.
        let members: Vec<_> = others
            .iter()
            .copied()
            .filter(|other| {
                reachable
                    .get(other)
                    .is_some_and(|back| back.contains(module))
            })
            .collect();
        shown.extend(members.iter().copied());
        texts.push(crate_files.describe(&members, &edges));
    }
    texts
}

/// Returns everything that a file imports, directly or through others.
fn reachable<'a>(edges: &Edges<'a>, module: &'a [String]) -> BTreeSet<&'a [String]> {
    let mut seen = BTreeSet::new();
    let mut open = vec![module];
    while let Some(module) = open.pop() {
        for &target in edges.get(module).into_iter().flat_map(BTreeMap::keys) {
            if seen.insert(target) {
                open.push(target);
            }
        }
    }
    seen
}

/// The files of a crate, with what is needed to follow a path to one of them.
struct CrateFiles<'a> {
    sources: &'a [Source],
    /// Every file but the root and those for tests, by its module.
    files: BTreeMap<&'a [String], &'a Source>,
    /// What a name in a module stands for.
    named: BTreeMap<(&'a [String], &'a str), &'a [String]>,
    /// The modules that a module imports whole.
    globs: BTreeMap<&'a [String], Vec<&'a [String]>>,
    items: BTreeSet<&'a [String]>,
}

impl<'a> CrateFiles<'a> {
    fn new(sources: &'a [Source]) -> Self {
        let tests: Vec<&ModulePath> = sources.iter().flat_map(|s| &s.test_modules).collect();
        let is_test = |source: &Source| tests.iter().any(|&test| source.module.starts_with(test));
        let files = sources
            .iter()
            .filter(|source| !source.module.is_empty() && !is_test(source))
            .map(|source| (source.module.as_slice(), source))
            .collect();
        let mut named = BTreeMap::new();
        let mut globs = BTreeMap::<_, Vec<_>>::new();
        for import in sources.iter().flat_map(|source| &source.imports) {
            let (module, target) = (import.module.as_slice(), import.target.as_slice());
            match &import.name {
                Some(name) => {
                    named.insert((module, name.as_str()), target);
                }
                None => globs.entry(module).or_default().push(target),
            }
        }
        let items = sources.iter().flat_map(|source| &source.items);
        Self {
            sources,
            files,
            named,
            globs,
            items: items.map(Vec::as_slice).collect(),
        }
    }

    fn edges(&self) -> Edges<'a> {
        let mut edges = Edges::new();
        for (&module, &source) in &self.files {
            let targets = edges.entry(module).or_default();
            for (target, name) in source.paths.iter().flat_map(|path| self.files_of(path)) {
                // A module may import from its own submodules, and they from it.
                if !target.starts_with(module) && !module.starts_with(target) {
                    targets.entry(target).or_default().insert(name);
                }
            }
        }
        edges
    }

    /// Returns the files that a path leads to, each with the name in it: the file that it names, and those that it
    /// comes to by re-exports.
    fn files_of(&self, path: &[String]) -> Vec<(&'a [String], String)> {
        let mut found = Vec::new();
        let mut open = Some(path.to_vec());
        for _ in 0..MAX_STEPS {
            let Some(path) = open else {
                break;
            };
            found.extend(self.file_of(&path));
            open = self.re_exported(&path);
        }
        found
    }

    /// Returns the file that a path names, and the name in it.
    fn file_of(&self, path: &[String]) -> Option<(&'a [String], String)> {
        let (target, _) = (1..=path.len())
            .rev()
            .find_map(|length| self.files.get_key_value(&path[..length]))?;
        let name = path.get(target.len()).or_else(|| path.last())?;
        Some((target, name.clone()))
    }

    /// Returns where a path leads if one of its modules imports the next name from elsewhere.
    fn re_exported(&self, path: &[String]) -> Option<ModulePath> {
        (0..path.len()).find_map(|at| {
            let (module, rest) = path.split_at(at);
            let (name, rest) = rest.split_first()?;
            if self.items.contains(&path[..=at]) {
                return None;
            }
            let target = [&self.target(module, name)?, rest].concat();
            (target != path).then_some(target)
        })
    }

    /// Returns what a name stands for that a module imports.
    fn target(&self, module: &[String], name: &str) -> Option<ModulePath> {
        if let Some(&target) = self.named.get(&(module, name)) {
            return Some(target.to_vec());
        }
        let globs = self.globs.get(module)?;
        let candidates = globs
            .iter()
            .map(|glob| [glob, &[name.to_owned()][..]].concat());
        candidates
            .into_iter()
            .find(|candidate| self.items.contains(candidate.as_slice()))
    }

    fn describe(&self, members: &[&[String]], edges: &Edges<'_>) -> String {
        let file = |module: &[String]| {
            let source = self.sources.iter().find(|source| source.module == module);
            source.map_or_else(String::new, |source| source.file.display().to_string())
        };
        let mut text = format!("{} files import each other in a loop", members.len());
        for &member in members {
            for (target, names) in edges.get(member).into_iter().flatten() {
                if members.contains(target) {
                    let names: Vec<_> = names.iter().map(String::as_str).collect();
                    text += &format!(
                        "\n  {} imports {}: {}",
                        file(member),
                        file(target),
                        names.join(", ")
                    );
                }
            }
        }
        text
    }
}
