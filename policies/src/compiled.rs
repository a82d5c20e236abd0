//! The rules as they run: indexed by domain, table and subject, so that a decision looks at few of them.

mod known;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use catalog::{Name, Problem, Problems, Registry, Table, TableName};
use datafusion::common::DFSchema;

use crate::action::Action;
use crate::masks::Masks;
use crate::predicate::{Compiler, Template};
use crate::roles::{RoleGraph, SubjectId};
use crate::rules::{Effect, FilterRule, Grant, GroupRule, Kind, Mask, MaskRule, Object, Place, Refusal, Rules};
use known::Known;

/// A `p` row about one table or column, or about every table of a domain.
#[derive(Debug)]
pub(crate) struct CompiledGrant {
    pub(crate) place: Place,
    pub(crate) subject: SubjectId,
    pub(crate) action: Action,
    pub(crate) effect: Effect,
    /// `None`: the whole table.
    pub(crate) column: Option<usize>,
    /// The object as written.
    pub(crate) object: Arc<str>,
}

/// A `p2` row.
#[derive(Debug)]
pub(crate) struct CompiledFilter {
    pub(crate) place: Place,
    pub(crate) subject: SubjectId,
    pub(crate) kind: Kind,
    pub(crate) template: Template,
    pub(crate) text: Arc<str>,
}

/// A `p3` row.
#[derive(Debug)]
pub(crate) struct CompiledMask {
    pub(crate) place: Place,
    pub(crate) column: usize,
    /// The word of the rule.
    pub(crate) word: &'static str,
    /// The rule's mask with its argument: two masks are the same when this is.
    pub(crate) text: Arc<str>,
    /// `None`: `clear`.
    pub(crate) template: Option<Template>,
}

/// A `p4` row.
#[derive(Debug)]
pub(crate) struct CompiledGroup {
    pub(crate) place: Place,
    pub(crate) rows: u64,
}

/// Rows by the subject that they name.
pub(crate) type BySubject<T> = HashMap<SubjectId, Vec<T>>;

/// Every row about one table.
#[derive(Debug, Default)]
pub(crate) struct TableRules {
    pub(crate) grants: BySubject<CompiledGrant>,
    pub(crate) filters: BySubject<CompiledFilter>,
    pub(crate) masks: BySubject<CompiledMask>,
    pub(crate) groups: BySubject<CompiledGroup>,
    /// The contract's columns, where a filter or mask needs them.
    pub(crate) schema: Option<Arc<DFSchema>>,
}

/// All rows. Immutable.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) registry: Arc<Registry>,
    pub(crate) graph: RoleGraph,
    pub(crate) tables: HashMap<TableName, TableRules>,
    /// `p` rows about `*`.
    pub(crate) domains: HashMap<Name, BySubject<CompiledGrant>>,
}

impl Compiled {
    /// Compiles checked rows; predicates and masks that do not fit their table go to `problems`.
    pub(crate) fn new(rules: &Rules, registry: Arc<Registry>, masks: &Masks, problems: &mut Problems) -> Self {
        let graph = RoleGraph::new(&rules.memberships);
        let compiler = Compiler::new(Arc::clone(&registry));
        let compiled = Self { registry, graph, tables: HashMap::new(), domains: HashMap::new() };
        let mut build = Build { compiled, compiler, masks, known: Known::default() };
        for grant in &rules.grants {
            build.grant(grant);
        }
        for filter in &rules.filters {
            if let Err(refusal) = build.filter(filter) {
                problems.push(problem(&filter.place, refusal));
            }
        }
        for mask in &rules.masks {
            if let Err(refusal) = build.mask(mask) {
                problems.push(problem(&mask.place, refusal));
            }
        }
        for group in &rules.groups {
            build.group(group);
        }
        build.compiled
    }

    /// The `p` rows that one of `subjects` has about a table, in no particular order.
    pub(crate) fn grants<'a, 'b>(
        &'a self,
        table: &'b TableName,
        subjects: &'b BTreeSet<SubjectId>,
    ) -> impl Iterator<Item = &'a CompiledGrant> + use<'a, 'b> {
        let own = self.tables.get(table).map(|rules| &rules.grants);
        let every = self.domains.get(&table.domain);
        subjects
            .iter()
            .flat_map(move |subject| own.into_iter().chain(every).filter_map(|grants| grants.get(subject)).flatten())
    }
}

impl Compiled {
    /// The tables that a `p` row of one of these subjects is about, without regard to what it says.
    /// `subjects` gives the subjects for a domain.
    pub(crate) fn tables_of(&self, subjects: impl Fn(&Name) -> BTreeSet<SubjectId>) -> Vec<&Arc<Table>> {
        let mut tables = Vec::new();
        let mut current: Option<(&Name, BTreeSet<SubjectId>)> = None;
        // Sorted by domain, so that each is asked about once.
        for table in self.registry.tables() {
            let domain = &table.name.domain;
            let (_, subjects) = match current.take() {
                Some((last, known)) if last == domain => current.insert((last, known)),
                Some(_) | None => current.insert((domain, subjects(domain))),
            };
            if self.grants(&table.name, subjects).next().is_some() {
                tables.push(table);
            }
        }
        tables
    }
}

fn problem(place: &Place, refusal: Refusal) -> Problem {
    Problem::at(&place.file, place.line, refusal.message, refusal.remedy)
}

/// Compiles one row after the other.
struct Build<'a> {
    compiled: Compiled,
    compiler: Compiler,
    masks: &'a Masks,
    known: Known,
}

impl Build<'_> {
    fn grant(&mut self, grant: &Grant) {
        let subject = self.compiled.graph.number(&grant.subject);
        let (rows, column) = match &grant.object {
            Object::EveryTable => (self.compiled.domains.entry(grant.domain.clone()).or_default(), None),
            Object::Table(table) => (&mut self.compiled.tables.entry(table.name.clone()).or_default().grants, None),
            Object::Column(table, index) => {
                (&mut self.compiled.tables.entry(table.name.clone()).or_default().grants, Some(*index))
            }
        };
        rows.entry(subject).or_default().push(CompiledGrant {
            place: grant.place.clone(),
            subject,
            action: grant.action,
            effect: grant.effect,
            column,
            object: grant.object.to_string().into(),
        });
    }

    fn filter(&mut self, filter: &FilterRule) -> Result<(), Refusal> {
        let schema = self.schema(&filter.table)?;
        let text: Arc<str> = filter.predicate.as_str().into();
        let compile = || self.compiler.filter(&schema, &filter.predicate);
        let template = self.known.template((&text, None), (&filter.table.name, &schema), compile)?;
        let subject = self.compiled.graph.number(&filter.subject);
        let rules = self.compiled.tables.entry(filter.table.name.clone()).or_default();
        let filters = rules.filters.entry(subject).or_default();
        filters.push(CompiledFilter { place: filter.place.clone(), subject, kind: filter.kind, template, text });
        Ok(())
    }

    fn mask(&mut self, rule: &MaskRule) -> Result<(), Refusal> {
        let schema = self.schema(&rule.table)?;
        let column = &rule.table.columns[rule.column];
        let template = if let Mask::Sql(text) = &rule.mask {
            let compile = || self.compiler.value(&schema, text, &column.data_type);
            let wanted = Some(&column.data_type);
            Some(self.known.template((text, wanted), (&rule.table.name, &schema), compile)?)
        } else {
            self.masks.template(&rule.mask, column, &self.compiler, &schema)?
        };
        let subject = self.compiled.graph.number(&rule.subject);
        let rules = self.compiled.tables.entry(rule.table.name.clone()).or_default();
        rules.masks.entry(subject).or_default().push(CompiledMask {
            place: rule.place.clone(),
            column: rule.column,
            word: rule.mask.word(),
            text: rule.mask.to_string().into(),
            template,
        });
        Ok(())
    }

    fn group(&mut self, rule: &GroupRule) {
        let subject = self.compiled.graph.number(&rule.subject);
        let rules = self.compiled.tables.entry(rule.table.name.clone()).or_default();
        rules.groups.entry(subject).or_default().push(CompiledGroup { place: rule.place.clone(), rows: rule.rows });
    }

    fn schema(&mut self, table: &Table) -> Result<Arc<DFSchema>, Refusal> {
        let rules = self.compiled.tables.entry(table.name.clone()).or_default();
        if let Some(schema) = &rules.schema {
            return Ok(Arc::clone(schema));
        }
        let schema = DFSchema::try_from(table.schema()).map_err(|_| {
            Refusal::new(
                format!("the columns of \"{}\" cannot be told apart", table.name),
                "rename them in the contract",
            )
        })?;
        Ok(Arc::clone(rules.schema.insert(Arc::new(schema))))
    }
}
