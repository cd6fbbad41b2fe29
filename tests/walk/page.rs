//! Reads the code blocks of `docs/adding-a-derived-topic.md`. The word after a block's language is the file that the
//! block contains or changes, or `scaffold` for commands that create files. A rendered page does not show this word.

use std::fs;
use std::path::PathBuf;

pub(crate) struct Page {
    pub(crate) blocks: Vec<Block>,
}

pub(crate) struct Block {
    pub(crate) language: String,
    /// The file, or `scaffold`; empty if the block only shows something.
    pub(crate) target: String,
    pub(crate) text: String,
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

impl Page {
    pub(crate) fn read() -> Self {
        let path = root().join("docs/adding-a-derived-topic.md");
        let text = fs::read_to_string(path).expect("the page");
        let mut blocks: Vec<Block> = Vec::new();
        let mut inside = false;
        for line in text.lines() {
            match (inside, line.strip_prefix("```")) {
                (false, Some(head)) => blocks.push(Block::headed(head)),
                (true, None) => blocks.last_mut().expect("a block").text += &format!("{line}\n"),
                _ => {}
            }
            inside ^= line.starts_with("```");
        }
        assert!(!inside, "a block has no end");
        Self { blocks }
    }

    /// Returns the text of the only block that contains the whole file `path`.
    pub(crate) fn file(&self, path: &str) -> &str {
        let mut found = self
            .blocks
            .iter()
            .filter(|block| block.target == path && block.language != "diff");
        let block = found
            .next()
            .unwrap_or_else(|| panic!("no block contains `{path}`"));
        assert!(found.next().is_none(), "several blocks contain `{path}`");
        &block.text
    }
}

impl Block {
    fn headed(head: &str) -> Self {
        let (language, target) = head.split_once(' ').unwrap_or((head, ""));
        Self {
            language: language.to_owned(),
            target: target.to_owned(),
            text: String::new(),
        }
    }

    /// Returns the file after the change. `@@` separates the parts of a block. In each part, the lines that begin with
    /// a space must occur in the file exactly once, as consecutive lines. The lines that begin with `+` are added
    /// between them.
    pub(crate) fn applied_to(&self, before: &str) -> String {
        let mut text = before.to_owned();
        for part in self.text.split("@@\n") {
            let (mut old, mut new) = (String::new(), String::new());
            for line in part.lines() {
                let (mark, rest) = line.split_at(1);
                new += &format!("{rest}\n");
                match mark {
                    "+" => {}
                    " " => old += &format!("{rest}\n"),
                    _ => panic!("`{}`: `{line}` has no mark", self.target),
                }
            }
            let places = format!("\n{text}").matches(&format!("\n{old}")).count();
            assert!(
                places == 1,
                "`{}` contains {places} times:\n{old}",
                self.target
            );
            let at = format!("\n{text}").find(&format!("\n{old}")).expect("once");
            text.replace_range(at..at + old.len(), &new);
        }
        text
    }
}
