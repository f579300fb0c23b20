//! Pages as parsers of HTML and of Markdown read them.

use std::cell::RefCell;
use std::collections::BTreeSet;

use html5ever::TokenizerResult;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag as Block, TagEnd};

/// What a page holds, as a parser of HTML reads it.
#[derive(Default)]
pub(super) struct Page {
    tags: BTreeSet<String>,
    attributes: BTreeSet<(String, String)>,
    ids: Vec<String>,
    pub(super) text: String,
    style: String,
    headings: Vec<u8>,
    open: Vec<String>,
    wrong: Vec<String>,
}

#[derive(Default)]
struct Reader(RefCell<Page>);

/// Elements without an end.
const VOID: [&str; 2] = ["meta", "br"];

impl TokenSink for Reader {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut page = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) => {
                let style = &*tag.name == "style" && tag.kind == TagKind::StartTag;
                page.tag(&tag);
                if style {
                    return TokenSinkResult::RawData(RawKind::Rawtext);
                }
            }
            Token::CharacterTokens(text) => {
                if page.open.last().is_some_and(|name| name == "style") {
                    page.style.push_str(&text);
                } else {
                    page.text.push_str(&text);
                }
            }
            Token::NullCharacterToken => page.wrong.push("a NUL".to_owned()),
            Token::CommentToken(text) => page.wrong.push(format!("a comment {text}")),
            Token::ParseError(error) => page.wrong.push(error.into_owned()),
            Token::DoctypeToken(_) | Token::EOFToken => {}
        }
        TokenSinkResult::Continue
    }
}

impl Page {
    fn read(text: &str) -> Self {
        let input = BufferQueue::default();
        input.push_back(StrTendril::from_slice(text));
        let tokenizer = Tokenizer::new(
            Reader::default(),
            TokenizerOpts { exact_errors: true, ..Default::default() },
        );
        assert!(matches!(tokenizer.feed(&input), TokenizerResult::Done));
        tokenizer.end();
        tokenizer.sink.0.into_inner()
    }

    fn tag(&mut self, tag: &Tag) {
        let name = tag.name.to_string();
        match tag.kind {
            TagKind::StartTag => {
                for attribute in &tag.attrs {
                    let (key, value) =
                        (attribute.name.local.to_string(), attribute.value.to_string());
                    if key == "id" {
                        self.ids.push(value.clone());
                    }
                    self.attributes.insert((key, value));
                }
                if let Some(level) = name.strip_prefix('h').and_then(|level| level.parse().ok()) {
                    self.headings.push(level);
                }
                if !VOID.contains(&&*name) && !tag.self_closing {
                    self.open.push(name.clone());
                }
                self.tags.insert(name);
            }
            TagKind::EndTag => {
                let open = self.open.pop();
                if open.as_ref() != Some(&name) {
                    self.wrong.push(format!("</{name}> closes {open:?}"));
                }
            }
        }
    }
}

/// A page that is whole, asks for nothing, and runs nothing.
pub(super) fn check(text: &str) -> Page {
    let page = Page::read(text);
    assert!(page.wrong.is_empty(), "{:?}", page.wrong.iter().take(5).collect::<Vec<_>>());
    assert_eq!(page.open, Vec::<String>::new());
    let known = [
        "a",
        "article",
        "bdi",
        "blockquote",
        "body",
        "caption",
        "circle",
        "code",
        "del",
        "desc",
        "details",
        "div",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "head",
        "header",
        "html",
        "ins",
        "li",
        "line",
        "main",
        "mark",
        "meta",
        "nav",
        "ol",
        "p",
        "path",
        "pre",
        "section",
        "span",
        "strong",
        "style",
        "summary",
        "svg",
        "table",
        "tbody",
        "td",
        "text",
        "th",
        "thead",
        "title",
        "tr",
        "ul",
    ];
    let others: Vec<_> = page.tags.iter().filter(|tag| !known.contains(&tag.as_str())).collect();
    assert_eq!(others, Vec::<&String>::new());
    for (name, value) in &page.attributes {
        assert!(!name.starts_with("on") && name != "src" && name != "style", "{name}={value}");
        assert!(name != "href" || value.starts_with('#'), "{value}");
    }
    for asks in ["url(", "@import", "</"] {
        assert!(!page.style.contains(asks), "{asks}");
    }
    let unique: BTreeSet<&String> = page.ids.iter().collect();
    assert_eq!(unique.len(), page.ids.len());
    for (before, after) in page.headings.iter().zip(page.headings.iter().skip(1)) {
        assert!(*after <= before + 1, "h{after} follows h{before}");
    }
    for (name, value) in &page.attributes {
        if name == "href" || name.starts_with("aria-labelledby") {
            for id in value.split(' ').map(|id| id.trim_start_matches('#')) {
                assert!(page.ids.iter().any(|there| there == id), "{id}");
            }
        }
    }
    page
}

/// Markdown in which nothing is HTML, a link or a picture; its code blocks and its other text.
pub(super) fn check_markdown(text: &str) -> (Vec<String>, String) {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_MATH
        | Options::ENABLE_TASKLISTS;
    let (mut blocks, mut other, mut within) = (Vec::new(), String::new(), false);
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Start(Block::CodeBlock(kind)) => {
                assert!(matches!(kind, CodeBlockKind::Fenced(_)), "an indented block");
                within = true;
                blocks.push(String::new());
            }
            Event::Start(Block::Link { .. } | Block::Image { .. } | Block::HtmlBlock) => {
                panic!("a link, a picture or HTML")
            }
            Event::Html(html) | Event::InlineHtml(html) => panic!("{html}"),
            Event::InlineMath(math) | Event::DisplayMath(math) => panic!("{math}"),
            Event::FootnoteReference(name) => panic!("{name}"),
            Event::TaskListMarker(_) => panic!("a task"),
            Event::End(TagEnd::CodeBlock) => within = false,
            Event::Text(text) if within => blocks.last_mut().unwrap().push_str(&text),
            Event::Text(text) | Event::Code(text) => other.push_str(&text),
            Event::Start(_) | Event::End(_) => other.push(' '),
            Event::SoftBreak | Event::HardBreak | Event::Rule => other.push('\n'),
        }
    }
    (blocks, other)
}
