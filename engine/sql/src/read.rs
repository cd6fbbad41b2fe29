//! Reads the columns of a source from a record: one pass over the JSON, without copies of plain text.

use model::event::limits::RECORD_BYTES_MAX;
use model::json::{self, JsonError, Scanner};
use model::{Reason, Rejection};

use crate::convert::convert;
use crate::source::{Record, Source, Step, child};
use crate::value::Value;

/// Reads records of a source.
#[derive(Clone, Debug)]
pub struct Reader {
    source: Source,
    event_time: usize,
    /// The numbers of the list columns.
    lists: Vec<usize>,
    root: Node,
}

/// A place in the JSON that columns pass through or end in.
#[derive(Clone, Debug, Default)]
struct Node {
    fields: Vec<(String, Node)>,
    elements: Option<Box<Node>>,
    /// The columns that end here.
    columns: Vec<usize>,
    /// The columns that end here or below.
    all: Vec<usize>,
}

impl Node {
    fn add(&mut self, steps: &[Step], column: usize) {
        self.all.push(column);
        let Some((step, rest)) = steps.split_first() else {
            self.columns.push(column);
            return;
        };
        let next = match step {
            Step::Elements => self.elements.get_or_insert_default(),
            Step::Field(name) => child(&mut self.fields, name),
        };
        next.add(rest, column);
    }
}

impl Reader {
    /// Creates a reader.
    pub fn new(source: Source) -> Self {
        let event_time = source.position(&source.event_time).unwrap_or_default();
        let mut root = Node::default();
        for (number, column) in source.columns.iter().enumerate() {
            root.add(column.path.steps(), number);
        }
        let numbered = source.columns.iter().enumerate();
        let lists = numbered.filter(|(_, column)| column.is_list());
        Self {
            lists: lists.map(|(number, _)| number).collect(),
            source,
            event_time,
            root,
        }
    }

    /// Returns the source.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Reads a record's value.
    pub fn read<'a>(&self, record: &'a [u8]) -> Result<Record<'a>, Rejection> {
        let (cells, lists) = self.find(record)?;
        self.record(cells, lists)
    }

    /// Reads the columns of a record, which may have no event time.
    pub(crate) fn find<'a>(&self, record: &'a [u8]) -> Result<Found<'a>, Rejection> {
        let whole = |reason| Rejection::new(reason, "record");
        if record.len() > RECORD_BYTES_MAX {
            return Err(whole(Reason::TooLarge));
        }
        let mut scanner = Scanner::new(record);
        let mut cells = Cells::new(&self.source, &self.lists);
        if !scanner.enter_object() {
            return Err(whole(Reason::NotJson));
        }
        let read = cells
            .object(&mut scanner, &self.root, 1)
            .and_then(|()| scanner.end().map_err(|_| whole(Reason::NotJson)));
        read?;
        cells.finish()
    }

    /// Creates a record whose values fit their columns, and whose lists have no elements.
    #[inline]
    pub(crate) fn record_without_elements<'a>(
        &self,
        cells: Vec<Value<'a>>,
    ) -> Result<Record<'a>, Rejection> {
        self.record(cells, no_elements(&self.lists))
    }

    /// Creates a record whose values fit their columns.
    #[inline]
    fn record<'a>(
        &self,
        cells: Vec<Value<'a>>,
        lists: Vec<(usize, Vec<Value<'a>>)>,
    ) -> Result<Record<'a>, Rejection> {
        let Value::Timestamp(time) = cells[self.event_time] else {
            let event_time = self.source.event_time.clone();
            return Err(Rejection::new(Reason::MissingField, event_time));
        };
        Ok(Record {
            time,
            sender: self.source.key,
            cells,
            lists,
        })
    }
}

fn not_json(error: JsonError) -> Rejection {
    let reason = match error {
        JsonError::Syntax => Reason::NotJson,
        JsonError::TooDeep => Reason::TooLarge,
    };
    Rejection::new(reason, "record")
}

/// A value for each column, and the elements of each list column, by column number.
pub(crate) type Found<'a> = (Vec<Value<'a>>, Vec<(usize, Vec<Value<'a>>)>);

/// The values that have been found so far.
struct Cells<'s, 'a> {
    source: &'s Source,
    cells: Vec<Value<'a>>,
    lists: Vec<(usize, Vec<Value<'a>>)>,
    /// What is wrong with each column. The rest of the record is still read, because invalid JSON is the stronger
    /// reason, and because the last of several fields with the same name counts.
    faults: Vec<Option<Reason>>,
    /// Whether the fields that are read belong to an element of an array.
    in_element: bool,
}

impl<'s, 'a> Cells<'s, 'a> {
    fn new(source: &'s Source, lists: &[usize]) -> Self {
        Self {
            source,
            cells: vec![Value::Null; source.columns.len()],
            lists: no_elements(lists),
            faults: vec![None; source.columns.len()],
            in_element: false,
        }
    }

    /// Reads an object that has been entered.
    fn object(
        &mut self,
        scanner: &mut Scanner<'a>,
        node: &Node,
        depth: u32,
    ) -> Result<(), Rejection> {
        let mut first = true;
        while let Some(key) = scanner.key(first).map_err(not_json)? {
            first = false;
            match node.fields.iter().find(|(name, _)| key.is(name)) {
                Some((_, field)) => self.field(scanner, field, depth)?,
                None => {
                    scanner.value(depth).map_err(not_json)?;
                }
            }
        }
        Ok(())
    }

    fn field(
        &mut self,
        scanner: &mut Scanner<'a>,
        node: &Node,
        depth: u32,
    ) -> Result<(), Rejection> {
        self.reset(node);
        if !node.fields.is_empty() && scanner.enter_object() {
            return self.object(scanner, node, depth + 1);
        }
        if let Some(element) = &node.elements
            && scanner.enter_array()
        {
            return self.elements(scanner, element, depth + 1);
        }
        let value = scanner.value(depth).map_err(not_json)?;
        self.put(node, value);
        Ok(())
    }

    /// Forgets what an earlier field with the same name contained.
    fn reset(&mut self, node: &Node) {
        for number in &node.all {
            self.faults[*number] = None;
            let list = self.lists.iter_mut().find(|(column, _)| column == number);
            match list {
                Some((_, list)) if !self.in_element => list.clear(),
                _ => *self.place(*number) = Value::Null,
            }
        }
    }

    fn elements(
        &mut self,
        scanner: &mut Scanner<'a>,
        node: &Node,
        depth: u32,
    ) -> Result<(), Rejection> {
        self.in_element = true;
        let mut faults = self.faults.clone();
        let mut first = true;
        while scanner.element(first).map_err(not_json)? {
            first = false;
            let is_below = |(column, _): &&mut (usize, Vec<_>)| node.all.contains(column);
            for (_, list) in self.lists.iter_mut().filter(is_below) {
                list.push(Value::Null);
            }
            self.field(scanner, node, depth)?;
            for (kept, found) in faults.iter_mut().zip(&self.faults) {
                *kept = kept.or(*found);
            }
        }
        self.faults = faults; // a fault in one element is not mended by a later element
        self.in_element = false;
        Ok(())
    }

    /// Stores a value at the end of a path. It is a fault for columns whose paths are longer.
    fn put(&mut self, node: &Node, value: json::Value<'a>) {
        for number in &node.all {
            let column = &self.source.columns[*number];
            let converted = if node.columns.contains(number) {
                convert(column, value)
            } else if value == json::Value::Null {
                Ok(Value::Null)
            } else {
                Err(Reason::WrongType) // an object or array is expected here
            };
            match converted {
                Ok(value) => *self.place(*number) = value,
                Err(reason) => self.faults[*number] = Some(reason),
            }
        }
    }

    fn place(&mut self, number: usize) -> &mut Value<'a> {
        let list = self.lists.iter_mut().find(|(column, _)| *column == number);
        match list.and_then(|(_, list)| list.last_mut()) {
            Some(element) if self.in_element => element,
            _ => &mut self.cells[number],
        }
    }

    /// Returns the values and the lists, if they fit their columns.
    fn finish(self) -> Result<Found<'a>, Rejection> {
        for (column, fault) in self.source.columns.iter().zip(&self.faults) {
            if let Some(reason) = fault {
                return Err(Rejection::new(*reason, column.name.clone()));
            }
        }
        for (column, value) in self.source.columns.iter().zip(&self.cells) {
            if column.required && value.is_null() && !column.is_list() {
                return Err(Rejection::new(Reason::MissingField, column.name.clone()));
            }
        }
        Ok((self.cells, self.lists))
    }
}

fn no_elements<'a>(lists: &[usize]) -> Vec<(usize, Vec<Value<'a>>)> {
    lists.iter().map(|number| (*number, Vec::new())).collect()
}
