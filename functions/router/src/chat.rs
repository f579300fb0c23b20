//! The chat to send, from messages or from the flattened prompt.

use std::borrow::Cow;

use beacon_core::wire::{ChatMessage, InferenceRequest, Role};
use serde::Serialize;

const SYSTEM: &str = "system\n";
const USER: &str = "user\n";
const USER_INSIDE: &str = "\nuser\n";
/// The closing marker, with and without its last line break.
const ASSISTANT: [&str; 2] = ["\nassistant\n", "\nassistant"];

/// One message, borrowed from the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Message<'a> {
    pub(crate) role: Role,
    pub(crate) content: &'a str,
}

/// The messages of a request: its own, else those that the flattened prompt holds.
pub(crate) fn messages(request: &InferenceRequest) -> Vec<Message<'_>> {
    match request.messages.as_deref() {
        None | Some([]) => split(&request.prompt),
        Some(given) => {
            given.iter().map(|m| Message { role: m.role, content: &m.content }).collect()
        }
    }
}

/// What is asked: the last thing that the user says.
pub(crate) fn question(request: &InferenceRequest) -> &str {
    let last = messages(request).into_iter().rfind(|message| message.role == Role::User);
    last.map_or(&request.prompt, |message| message.content)
}

/// The text form of a request, for providers that take no messages: its own, else its messages
/// between the markers, continued for longer chats. A question alone is itself.
pub(crate) fn prompt(request: &InferenceRequest) -> Cow<'_, str> {
    let messages = match request.messages.as_deref() {
        Some(messages) if request.prompt.is_empty() => messages,
        Some(_) | None => return Cow::Borrowed(&request.prompt),
    };
    if let [ChatMessage { role: Role::User, content }] = messages {
        return Cow::Borrowed(content);
    }
    let mut text = String::new();
    for message in messages {
        let role = match message.role {
            Role::System => "system\n",
            Role::User => "user\n",
            Role::Assistant => "assistant\n",
        };
        text.extend([role, &message.content, "\n"]);
    }
    Cow::Owned(text + "assistant\n")
}

/// Takes the markers off a flattened prompt. A text without them is one user message.
fn split(prompt: &str) -> Vec<Message<'_>> {
    let user = |content| Message { role: Role::User, content };
    if let Some(rest) = prompt.strip_prefix(SYSTEM) {
        // An empty system prompt leaves the line break to the user marker.
        if let Some((system, asked)) = rest.split_once(USER_INSIDE) {
            let asked = user(without_assistant(asked).unwrap_or(asked));
            if system.is_empty() {
                return vec![asked];
            }
            return vec![Message { role: Role::System, content: system }, asked];
        }
    } else if let Some(asked) = prompt.strip_prefix(USER).and_then(without_assistant) {
        return vec![user(asked)];
    }
    vec![user(prompt)]
}

fn without_assistant(text: &str) -> Option<&str> {
    ASSISTANT.iter().find_map(|marker| text.strip_suffix(marker))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(prompt: &str) -> Vec<(Role, &str)> {
        split(prompt).into_iter().map(|message| (message.role, message.content)).collect()
    }

    #[test]
    fn the_markers_of_a_flattened_prompt_are_taken_off() {
        use Role::{System, User};
        let table: [(&str, &[(Role, &str)]); 8] = [
            (
                "system\nBe brief.\nuser\nWhy?\nassistant\n",
                &[(System, "Be brief."), (User, "Why?")],
            ),
            ("system\nBe brief.\nuser\nWhy?\nassistant", &[(System, "Be brief."), (User, "Why?")]),
            ("system\nA\n\nB\nuser\nC\nD\nassistant\n", &[(System, "A\n\nB"), (User, "C\nD")]),
            ("system\n\nuser\nWhy?\nassistant\n", &[(User, "Why?")]),
            ("user\nWhy?\nassistant\n", &[(User, "Why?")]),
            ("What is 2+2?", &[(User, "What is 2+2?")]),
            ("user\ninterfaces, please", &[(User, "user\ninterfaces, please")]),
            ("", &[(User, "")]),
        ];
        for (prompt, expected) in table {
            assert_eq!(parts(prompt), expected, "{prompt:?}");
        }
    }

    #[test]
    fn messages_without_a_text_become_one() {
        let message = |role, content: &str| ChatMessage { role, content: content.to_owned() };
        let request: InferenceRequest =
            serde_json::from_value(serde_json::json!({"model": "m", "prompt": ""})).unwrap();
        let asked = |messages| InferenceRequest { messages: Some(messages), ..request.clone() };
        let one = asked(vec![message(Role::User, "Why?")]);
        assert_eq!(prompt(&one), "Why?");
        let chat = asked(vec![
            message(Role::System, "Be brief."),
            message(Role::User, "Why?"),
            message(Role::Assistant, "So."),
            message(Role::User, "And?"),
        ]);
        let text = "system\nBe brief.\nuser\nWhy?\nassistant\nSo.\nuser\nAnd?\nassistant\n";
        assert_eq!(prompt(&chat), text);
        let own = InferenceRequest { prompt: "own".to_owned(), ..chat };
        assert_eq!(prompt(&own), "own");
    }

    #[test]
    fn markers_inside_the_question_stay() {
        let inside = "What do \nuser\n and \nassistant\n mean?";
        let prompt = format!("system\nS\nuser\n{inside}\nassistant\n");
        assert_eq!(parts(&prompt), [(Role::System, "S"), (Role::User, inside)]);
    }
}
