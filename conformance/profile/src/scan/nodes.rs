//! The nodes and findings that the pass writes down.

use fhir::json::lexer::skip_space;
use fhir::json::{Document, Fault, Kind, Node, SyntaxError};

use super::{Name, Scanner, Step, Stop};
use crate::finding::{Finding, Problem};

impl Scanner<'_> {
    #[inline]
    pub(super) fn open(&mut self, kind: Kind, name: Name, element: u32) -> Step<u32> {
        if self.depth >= self.bounds.json.depth {
            return self.fault(Fault::TooDeep);
        }
        self.depth += 1;
        let index = self.push(kind, name, self.at, self.at + 1, element)?;
        self.at += 1;
        Ok(index)
    }

    /// Closes a container whose last byte has been read.
    #[inline]
    pub(super) fn close(&mut self, index: u32) {
        self.depth -= 1;
        let after = self.next_node();
        if let Some(node) = self.scratch.nodes.get_mut(index as usize) {
            node.end = self.at as u32;
            node.after = after;
        }
    }

    /// Adds a node. Of a container, `after` stays 0 until it is closed.
    #[inline]
    pub(super) fn push(&mut self, kind: Kind, name: Name, start: usize, end: usize, element: u32) -> Step<u32> {
        let index = self.next_node();
        if index >= self.bounds.json.nodes {
            return self.fault(Fault::TooManyValues);
        }
        let after = if matches!(kind, Kind::Array | Kind::Object) { 0 } else { index + 1 };
        self.scratch.nodes.push(Node {
            start: start as u32,
            end: end as u32,
            name: name.start,
            name_length: name.length,
            kind,
            after,
            element,
        });
        Ok(index)
    }

    #[inline]
    pub(super) fn next_node(&self) -> u32 {
        self.scratch.nodes.len() as u32
    }

    /// After a stop: what is still open ends where the scan ended.
    pub(super) fn close_what_is_open(&mut self) {
        let after = self.next_node();
        for node in self.scratch.nodes.iter_mut().filter(|node| node.after == 0) {
            node.end = self.bytes.len() as u32;
            node.after = after;
        }
    }

    pub(super) fn view(&self) -> Document<'_> {
        Document::new(self.bytes, &self.scratch.nodes)
    }

    #[inline]
    pub(super) fn space(&mut self) {
        self.at = skip_space(self.bytes, self.at);
    }

    #[inline]
    pub(super) fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Notes a problem of the value that is about to be read.
    #[cold]
    pub(super) fn report(&mut self, problem: Problem) -> Step {
        self.note(self.next_node(), self.at, problem)
    }

    /// Notes a problem of a node that has been read.
    #[cold]
    pub(super) fn report_at(&mut self, node: u32, problem: Problem) -> Step {
        let offset = self.scratch.nodes.get(node as usize).map_or(self.at, |node| node.start as usize);
        self.note(node, offset, problem)
    }

    /// Notes a problem. Warnings beyond the bound are not kept: they must not hide an error.
    #[cold]
    pub(super) fn note(&mut self, node: u32, offset: usize, problem: Problem) -> Step {
        let finding = |problem| Finding { node, offset: offset as u32, problem };
        if !self.is_error(problem) {
            if self.scratch.findings.len() - self.scratch.errors < self.bounds.findings {
                self.scratch.findings.push(finding(problem));
            }
            return Ok(());
        }
        self.scratch.errors += 1;
        self.scratch.findings.push(finding(problem));
        if self.scratch.errors < self.bounds.findings {
            return Ok(());
        }
        if self.bounds.findings > 1 {
            self.scratch.errors += 1;
            self.scratch.findings.push(finding(Problem::More));
        }
        Err(Stop)
    }

    #[cold]
    pub(super) fn syntax<T>(&mut self, error: SyntaxError) -> Step<T> {
        let node = self.next_node().saturating_sub(1);
        // The fault ends the scan even where the bound on findings would not.
        let _ = self.note(node, error.offset, Problem::Syntax(error.fault));
        Err(Stop)
    }

    #[cold]
    pub(super) fn fault<T>(&mut self, fault: Fault) -> Step<T> {
        let offset = self.at;
        self.syntax(SyntaxError { offset, fault })
    }
}
