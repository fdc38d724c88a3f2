//! A file of Markdown: what it links to, what can be linked to in it, and its blocks of code.
//!
//! What a block is for is what a reader takes it for:
//!
//! - After a paragraph that ends in a file's name and a colon, it is that file's content,
//!   unless it is commands.
//! - A comment before it, which is not shown, says the rest: `not run: REASON`, or `exit code 3`.
//! - A comment `first: COMMANDS` has commands that are not shown.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

pub(crate) struct Page {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    /// What `#…` may name in it.
    pub(crate) anchors: Vec<String>,
    /// Where links lead, with the number of their line.
    pub(crate) links: Vec<(usize, String)>,
    pub(crate) blocks: Vec<Block>,
}

#[derive(Default)]
pub(crate) struct Block {
    pub(crate) line: usize,
    /// The first word after the fence.
    pub(crate) language: String,
    pub(crate) content: String,
    /// Where the content is in the page.
    pub(crate) range: Range<usize>,
    /// The file that it is.
    pub(crate) file: Option<String>,
    /// Why it is not run.
    pub(crate) not_run: Option<String>,
    /// How its last command ends.
    pub(crate) exit_code: i32,
}

impl Page {
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a page is text");
        let mut page = Self {
            path: path.to_owned(),
            text: text.clone(),
            anchors: Vec::new(),
            links: Vec::new(),
            blocks: Vec::new(),
        };
        let mut heading: Option<String> = None;
        let mut block: Option<Block> = None;
        let mut next = Block::default();
        for (event, range) in Parser::new_ext(&text, OPTIONS).into_offset_iter() {
            let line = 1 + text[..range.start].matches('\n').count();
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push((line, dest_url.into_string()));
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let heading = heading.take().expect("it has begun");
                    page.anchors.push(anchor(&heading, &page.anchors));
                }
                Event::Start(Tag::Paragraph) => {
                    next.file = file_named_by(&text[range]);
                }
                Event::Html(_) => {}
                Event::Start(Tag::HtmlBlock) => match comment(&text[range]) {
                    ("not run", reason) => next.not_run = Some(reason.to_owned()),
                    ("exit code", code) => next.exit_code = code.parse().expect("a number"),
                    ("first", commands) => page.blocks.push(Block {
                        line,
                        language: "first".to_owned(),
                        content: format!("{commands}\n"),
                        ..Block::default()
                    }),
                    _ => {}
                },
                Event::Start(Tag::CodeBlock(kind)) => {
                    let language = match kind {
                        CodeBlockKind::Fenced(info) => info.into_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    let next = std::mem::take(&mut next);
                    block = Some(Block {
                        line,
                        language,
                        ..next
                    });
                }
                Event::End(TagEnd::CodeBlock) => {
                    page.blocks.extend(block.take());
                }
                Event::Text(text) if block.is_some() => {
                    let block = block.as_mut().expect("there is one");
                    if block.content.is_empty() {
                        block.range = range.clone();
                    }
                    block.range.end = range.end;
                    block.content.push_str(&text);
                }
                Event::Text(text) | Event::Code(text) => {
                    heading.iter_mut().for_each(|it| it.push_str(&text));
                }
                _ => {}
            }
        }
        page
    }

    /// Its path in the repository.
    pub(crate) fn name(&self) -> String {
        let path = self.path.strip_prefix(crate::repository());
        path.expect("pages are in it").display().to_string()
    }
}

const OPTIONS: Options = Options::ENABLE_TABLES;

/// ``… `src/app.py`:``
fn file_named_by(paragraph: &str) -> Option<String> {
    let (_, name) = paragraph.trim_end().strip_suffix("`:")?.rsplit_once('`')?;
    let is_file = name.contains('.') && !name.contains(char::is_whitespace);
    is_file.then(|| name.to_owned())
}

/// `<!-- WHAT: MORE -->`, or `<!-- exit code N -->`
fn comment(html: &str) -> (&str, &str) {
    let inside = html.trim().strip_prefix("<!--").unwrap_or_default();
    let inside = inside.strip_suffix("-->").unwrap_or_default().trim();
    match inside.strip_prefix("exit code ") {
        Some(code) => ("exit code", code),
        None => match inside.split_once(':') {
            Some((what, more)) => (what, more.trim()),
            None => (inside, ""),
        },
    }
}

/// The name that mdBook and GitHub give to a heading.
fn anchor(heading: &str, others: &[String]) -> String {
    let name: String = heading
        .trim()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            _ => c.is_alphanumeric().then(|| c.to_ascii_lowercase()),
        })
        .collect();
    let numbered = (1..).map(|number| format!("{name}-{number}"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    let free = names.find(|it| !others.contains(it));
    free.expect("there are numbers enough")
}
