//! Slips of the keyboard: people in a hurry make them, and people who know which words are looked for make them on
//! purpose. Every lesson is read once more with some, so that the model leans on no single spelling.

/// Words of fewer letters are left alone.
const SHORTEST: usize = 4;
/// One word of so many has a slip.
const ONE_OF: u64 = 3;
/// One Chinese character of so many.
const CHINESE_ONE_OF: u64 = 10;

/// A copy with slips, the same ones each time; `None` when it has none.
pub(crate) fn misspelled(text: &str) -> Option<String> {
    let mut state = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut draw = move |among: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % among
    };
    let mut out = String::with_capacity(text.len() + 8);
    let mut slips = 0;
    for word in text.split_inclusive(' ') {
        let mut letters: Vec<char> = word.chars().collect();
        let alphabetic = letters.iter().filter(|letter| is_typed(**letter)).count();
        if alphabetic >= SHORTEST && alphabetic + 2 >= letters.len() && draw(ONE_OF) == 0 {
            slip(&mut letters, &mut draw);
            slips += 1;
        }
        slips += chinese_slips(&mut letters, &mut draw);
        out.extend(letters);
    }
    (slips > 0).then_some(out)
}

/// Chinese has no spaces: every so many characters one is lost, doubled or changes places with the next. Returns how many.
fn chinese_slips(letters: &mut Vec<char>, draw: &mut impl FnMut(u64) -> u64) -> usize {
    let (mut at, mut slips) = (0, 0);
    while at + 1 < letters.len() {
        if is_chinese(letters[at]) && is_chinese(letters[at + 1]) && draw(CHINESE_ONE_OF) == 0 {
            match draw(3) {
                0 => drop(letters.remove(at)),
                1 => letters.swap(at, at + 1),
                _ => letters.insert(at, letters[at]),
            }
            slips += 1;
            // No slip upon a slip.
            at += 3;
        }
        at += 1;
    }
    slips
}

/// One slip, not on the first letter.
fn slip(letters: &mut Vec<char>, draw: &mut impl FnMut(u64) -> u64) {
    let at = 1 + draw(letters.len() as u64 - 2) as usize;
    match draw(4) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        2 if is_typed(letters[at + 1]) => letters.swap(at, at + 1),
        _ => letters[at] = beside(letters[at]),
    }
}

/// A key beside that of a letter; vowels are mixed up by ear.
fn beside(letter: char) -> char {
    const KEYS: [&str; 6] =
        ["qwertyuiop", "asdfghjkl", "zxcvbnm", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"];
    match letter {
        'о' => 'а',
        'а' => 'о',
        'е' => 'и',
        'и' => 'е',
        _ => {
            let row = KEYS.iter().find_map(|row| {
                let at = row.chars().position(|key| key == letter)?;
                row.chars().nth(if at > 0 { at - 1 } else { 1 })
            });
            row.unwrap_or(letter)
        }
    }
}

fn is_chinese(letter: char) -> bool {
    ('\u{3400}'..='\u{9fff}').contains(&letter)
}

fn is_typed(letter: char) -> bool {
    letter.is_alphabetic() && !is_chinese(letter)
}
