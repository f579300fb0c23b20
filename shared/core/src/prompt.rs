//! Prompts: composed once at intake, frozen with the job, hashed with every execution.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::region::Region;
use crate::wire::{ChatMessage, Role};

/// The regional system prompt of the predecessor, word for word.
pub const REGIONAL: &str = "You are a helpful, honest, and harmless AI assistant based in {place}. \
Answer questions directly and factually. For sensitive political topics, provide balanced, factual \
information from multiple perspectives.";

const PLACE: &str = "{place}";

/// A system prompt as the specification asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SystemPrompt {
    /// [`REGIONAL`], with the region's place.
    Regional,
    /// No system message at all.
    Absent,
    /// A text of the client's, in which `{place}` stands for the region's place.
    Text(String),
}

/// A region whose place is not known, where the prompt names the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceUnknown;

impl SystemPrompt {
    /// The system message of a region; none where the prompt is [`SystemPrompt::Absent`].
    pub fn compose(&self, region: &Region) -> Result<Option<String>, PlaceUnknown> {
        let template = match self {
            Self::Regional => REGIONAL,
            Self::Absent => return Ok(None),
            Self::Text(text) => text,
        };
        if !template.contains(PLACE) {
            return Ok(Some(template.to_owned()));
        }
        let place = region.place().ok_or(PlaceUnknown)?;
        Ok(Some(template.replace(PLACE, place)))
    }
}

/// What one execution sends: the composed system message and the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prompt<'a> {
    /// The system message, if there is one.
    pub system: Option<&'a str>,
    /// The question's text.
    pub question: &'a str,
}

impl Prompt<'_> {
    /// The chat that is sent.
    pub fn messages(&self) -> Vec<ChatMessage> {
        let message = |role, content: &str| ChatMessage { role, content: content.to_owned() };
        let system = self.system.map(|text| message(Role::System, text));
        system.into_iter().chain([message(Role::User, self.question)]).collect()
    }

    /// The predecessor's text form; without a system message, the question alone.
    pub fn flattened(&self) -> String {
        match self.system {
            Some(system) => format!("system\n{system}\nuser\n{}\nassistant\n", self.question),
            None => self.question.to_owned(),
        }
    }

    /// SHA-256 of the chat as a JSON array of `{"content","role"}` without white space (the RFC 8785
    /// form), so that anyone can recompute it from the texts.
    pub fn sha256(&self) -> PromptHash {
        let system = self.system.map(|content| (content, Role::System));
        let chat = system.into_iter().chain([(self.question, Role::User)]);
        let mut hasher = Sha256::new();
        let mut before = "[";
        for (content, role) in chat {
            let (content, role) = (json_string(content), json_string(role_name(role)));
            hasher.update(format!("{before}{{\"content\":{content},\"role\":{role}}}"));
            before = ",";
        }
        hasher.update("]");
        PromptHash(hex(&hasher.finalize()))
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// SHA-256 of a prompt, lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PromptHash(pub String);

/// Lower-case hex of bytes.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us() -> Region {
        Region::new("us-east").unwrap()
    }

    #[test]
    fn the_regional_prompt_names_the_place() {
        let system = SystemPrompt::Regional.compose(&us()).unwrap().unwrap();
        let prompt = Prompt { system: Some(&system), question: "What is 2+2?" };
        let text = prompt.flattened();
        assert!(text.starts_with(
            "system\nYou are a helpful, honest, and harmless AI assistant based in the US."
        ));
        assert!(text.ends_with("user\nWhat is 2+2?\nassistant\n"));
    }

    #[test]
    fn a_prompt_that_names_the_place_of_an_unknown_one_is_refused() {
        let lab = Region::new("lab-1").unwrap();
        assert_eq!(SystemPrompt::Regional.compose(&lab), Err(PlaceUnknown));
        assert_eq!(SystemPrompt::Text("In {place}.".into()).compose(&lab), Err(PlaceUnknown));
        assert_eq!(
            SystemPrompt::Text("Be brief.".into()).compose(&lab),
            Ok(Some("Be brief.".to_owned()))
        );
        assert_eq!(SystemPrompt::Absent.compose(&lab), Ok(None));
    }

    #[test]
    fn the_hash_is_that_of_the_documented_json() {
        let prompt = Prompt { system: Some("S \"x\""), question: "Q\n1" };
        let json = r#"[{"content":"S \"x\"","role":"system"},{"content":"Q\n1","role":"user"}]"#;
        assert_eq!(prompt.sha256().0, hex(&Sha256::digest(json)));
    }

    #[test]
    fn without_a_system_message_the_question_stands_alone() {
        let prompt = Prompt { system: None, question: "Q" };
        assert_eq!(prompt.flattened(), "Q");
        assert_eq!(prompt.messages().len(), 1);
    }
}
