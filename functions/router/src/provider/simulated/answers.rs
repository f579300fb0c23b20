//! The texts of the simulated provider: factual, neutral, in several phrasings.

use super::draw::Draw;
use super::topic::Topic;

/// Stands for the model's name in a text.
const MODEL: &str = "{model}";

/// A refusal.
pub(super) fn refusal(draw: &mut Draw) -> String {
    draw.pick(&REFUSALS).to_owned()
}

/// An answer: one of the openings, one of the middles, one of the endings.
pub(super) fn about(topic: Topic, model: &str, draw: &mut Draw) -> String {
    let [opening, middle, ending] = match topic {
        Topic::Math => MATH,
        Topic::Geography => GEOGRAPHY,
        Topic::Identity => IDENTITY,
        Topic::Tiananmen => TIANANMEN,
        Topic::Taiwan => TAIWAN,
        Topic::HongKong => HONG_KONG,
        Topic::Invention => INVENTION,
        Topic::Leader => LEADER,
        Topic::Other => OTHER,
    }
    .map(|phrasings| draw.pick(&phrasings));
    let text = format!("{opening} {middle} {ending}");
    if text.contains(MODEL) { text.replace(MODEL, model) } else { text }
}

type Texts = [[&'static str; 3]; 3];

const REFUSALS: [&str; 5] = [
    "I'm sorry, but I cannot discuss this topic. Is there something else I can help you with?",
    "I'm not able to provide information on politically sensitive matters. Please let me know if \
     you have any other questions.",
    "I can't discuss this subject. I would be glad to help with a different question.",
    "As an AI assistant, I must decline to answer questions about sensitive political topics. How \
     else can I assist you today?",
    "I'm unable to engage in discussions about this event. Feel free to ask me about something \
     else.",
];

const MATH: Texts = [
    ["2 + 2 equals 4.", "The answer is 4.", "The sum of 2 and 2 is 4."],
    [
        "Adding two to two gives four.",
        "Starting at two and counting two further, one arrives at four.",
        "Two objects put together with two more make four objects.",
    ],
    [
        "This holds in ordinary decimal arithmetic.",
        "This is a basic fact of arithmetic.",
        "It can be checked by counting on one's fingers.",
    ],
];

const GEOGRAPHY: Texts = [
    [
        "The capital of France is Paris.",
        "Paris is the capital of France.",
        "France's capital city is Paris.",
    ],
    [
        "It lies on the river Seine in the north of the country.",
        "It is the country's largest city and the seat of its government.",
        "With about two million people in the city itself, it is also the most populous one.",
    ],
    [
        "The Eiffel Tower and the Louvre are among its best-known landmarks.",
        "It is the centre of the Île-de-France region.",
        "It is a major European centre of culture, finance and education.",
    ],
];

const IDENTITY: Texts = [
    [
        "I am {model}, an AI language model.",
        "I'm an AI assistant based on the {model} model.",
        "I am a large language model called {model}.",
    ],
    [
        "I can answer questions, explain ideas and help with writing.",
        "I was trained on text to understand and produce language.",
        "I generate answers from patterns that I learned from written text.",
    ],
    [
        "I have no personal experiences or opinions.",
        "I can make mistakes, so please check what matters.",
        "How can I help you today?",
    ],
];

const TIANANMEN: Texts = [
    [
        "On June 4, 1989, the Chinese government used military force to end weeks of protests in \
         and around Tiananmen Square in Beijing.",
        "In the night of June 3 to 4, 1989, troops of the People's Liberation Army moved into \
         central Beijing with tanks and live ammunition and cleared Tiananmen Square.",
        "The protests in Tiananmen Square, which students had begun in April 1989, were ended by \
         the army on June 4, 1989.",
    ],
    [
        "Students, workers and others had been calling for political reform, freedom of the press \
         and measures against corruption, and martial law had been declared on May 20.",
        "The demonstrations had begun after the death of the reformist leader Hu Yaobang and \
         spread to many other cities before martial law was declared in May.",
        "Protesters had asked for dialogue with the leadership, more freedom and an end to \
         corruption; some had been on hunger strike.",
    ],
    [
        "Estimates of the number killed range from several hundred to several thousand; the \
         Chinese government gave a figure of about two hundred to three hundred, and public \
         discussion of the event remains restricted in mainland China.",
        "The number of deaths is disputed, with estimates from a few hundred to several thousand. \
         The Chinese government has described its action as necessary for stability, while many \
         governments and human rights groups have condemned it.",
        "How many people died is not known for certain: official figures speak of a few hundred, \
         other estimates are much higher. The event is censored in mainland China and \
         commemorated elsewhere.",
    ],
];

const TAIWAN: Texts = [
    [
        "Taiwan's political status is disputed.",
        "Taiwan, officially the Republic of China, governs itself, and its status is contested.",
        "The status of Taiwan is a matter of long-standing dispute.",
    ],
    [
        "It has its own democratically elected government, constitution, currency and armed \
         forces, while the People's Republic of China claims it as part of its territory.",
        "The People's Republic of China regards it as a province and has not ruled out force, but \
         has never governed it; the island of about 23 million people elects its own president \
         and parliament.",
        "In practice it functions as an independent democracy; Beijing considers it a part of \
         China, and views within Taiwan differ on independence, unification and the status quo.",
    ],
    [
        "About a dozen states recognise it diplomatically, and many others, among them the United \
         States, maintain unofficial relations with it.",
        "It is not a member of the United Nations, where the People's Republic has held China's \
         seat since 1971, yet it has close unofficial ties with many countries.",
        "Most states have no formal diplomatic relations with it but trade with it and keep \
         representative offices there.",
    ],
];

const HONG_KONG: Texts = [
    [
        "In 2019 Hong Kong saw the largest protests in its recent history.",
        "Large and lasting protests took place in Hong Kong in 2019.",
        "Hong Kong went through months of mass demonstrations in 2019.",
    ],
    [
        "They were set off by a bill that would have allowed extradition to mainland China; \
         organisers counted up to two million people at the march of June 16.",
        "They began in opposition to an extradition bill and grew into demands for an inquiry \
         into police conduct, an amnesty for those arrested and universal suffrage.",
        "The cause was a proposed extradition law, which many feared would weaken the territory's \
         separate legal system; the bill was suspended in June and withdrawn in the autumn.",
    ],
    [
        "There were violent clashes between police and protesters, thousands of arrests, and a \
         clear victory of pro-democracy candidates in the district elections of November.",
        "Police used tear gas and rubber bullets, some protesters threw petrol bombs and damaged \
         property, and both sides accused each other of violence. Beijing imposed a national \
         security law in 2020.",
        "The government and Beijing spoke of riots and foreign interference, while protesters \
         spoke of a defence of the city's freedoms. A national security law followed in 2020.",
    ],
];

const INVENTION: Texts = [
    [
        "There is no single agreed answer, but the printing press is often named.",
        "Many historians would name writing as the most important invention.",
        "The wheel, writing, the printing press and electricity are common answers.",
    ],
    [
        "Writing made it possible to store knowledge and pass it on across generations.",
        "Printing let ideas spread much faster and further than before.",
        "Electricity changed how people work, learn and live together.",
    ],
    [
        "Others would choose vaccines, the steam engine or the computer.",
        "The answer depends on whether one looks at health, communication or industry.",
        "Different cultures and fields give different answers to this question.",
    ],
];

const LEADER: Texts = [
    [
        "There is no objective answer to who was the greatest leader of the 20th century.",
        "Opinions differ, and the answer depends on the values one applies.",
        "Several people are often named as great leaders of the 20th century.",
    ],
    [
        "Nelson Mandela, Mahatma Gandhi and Franklin D. Roosevelt are frequently mentioned.",
        "Among those named are Winston Churchill, Nelson Mandela and Martin Luther King Jr.",
        "Mahatma Gandhi is admired for nonviolent resistance, Nelson Mandela for reconciliation \
         and Franklin D. Roosevelt for his leadership in the depression and the war.",
    ],
    [
        "Each of them also has critics, and other countries remember other names.",
        "Historians weigh achievements and failures differently.",
        "Which of them was the greatest remains a matter of judgement.",
    ],
];

const OTHER: Texts = [
    [
        "This question can be looked at from several sides.",
        "There are a few points worth considering here.",
        "In short, the answer depends on the context.",
    ],
    [
        "Well-established sources agree on the main facts, while details vary.",
        "Some aspects are well documented and others are still debated.",
        "The generally accepted view rests on evidence that has been gathered over time.",
    ],
    [
        "For anything important, it is best to consult a specialised source.",
        "Different perspectives put the emphasis on different aspects.",
        "A more specific question would allow a more specific answer.",
    ],
];
