//! What FUNCTION and FCALL are refused, in Redis' words.

use super::{Sent, Text};

/// Why a library of functions is not what it should be, or a function is not called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FunctionError {
    /// FCALL of a function that there is not.
    NotFound,
    /// FCALL with a number of keys that is none.
    KeysBad,
    /// FUNCTION DELETE of a library that there is not.
    LibraryNotFound,
    /// A library without a first line of `#!`.
    NoMetadata,
    /// A first line of `#!` without an end, or whose quotes are not balanced.
    Metadata,
    /// A word in the first line that is no option.
    MetadataValue(Sent),
    /// The library is named twice.
    NamedTwice,
    /// The library is not named.
    Unnamed,
    /// A name with other bytes than letters, digits and underscores, or without any.
    Name,
    /// An engine that there is not.
    Engine(Sent),
    /// A library of that name is there already.
    LibraryExists(Sent),
    /// The same, of a library that is restored.
    RestoredExists(Sent),
    /// A function of that name is there already, in another library.
    FunctionExists(Sent),
    /// A library that has registered nothing.
    NoFunctions,
    /// A library that is no program.
    Compile(Sent),
    /// A library that did not end well.
    Registering(Sent),
    /// FUNCTION LOAD with a word that is no option.
    LoadOption(Sent),
    /// FUNCTION LIST with a word that is no option.
    ListArgument(Sent),
    /// FUNCTION LIST LIBRARYNAME without one.
    ListName,
    /// FUNCTION FLUSH with a word that is none of two.
    FlushMode,
    /// FUNCTION RESTORE with a word that is none of three.
    RestorePolicy,
    /// A payload of functions of a release candidate of Redis 7.0.
    PayloadPreRelease,
    /// A payload with something else in it.
    PayloadKind,
    /// A payload that ends too early, or whose text cannot be unpacked.
    Payload,
}

/// What Redis says of a name that is none, of a library or of a function.
pub const NAME_RULE: &str = "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";

impl FunctionError {
    pub(super) fn write_text(&self, text: &mut Text<'_>) {
        match self {
            FunctionError::MetadataValue(word) => {
                text.around("ERR Invalid metadata value given: ", word, "");
            }
            FunctionError::Engine(name) => text.around("ERR Engine '", name, "' not found"),
            FunctionError::LibraryExists(name) => text.around("ERR Library '", name, "' already exists"),
            FunctionError::RestoredExists(name) => text.around("ERR Library ", name, " already exists"),
            FunctionError::FunctionExists(name) => text.around("ERR Function ", name, " already exists"),
            FunctionError::Compile(why) => text.around("ERR Error compiling function: ", why, ""),
            FunctionError::Registering(why) => text.around("ERR Error registering functions: ", why, ""),
            FunctionError::LoadOption(word) => text.around("ERR Unknown option given: ", word, ""),
            FunctionError::ListArgument(word) => text.around("ERR Unknown argument ", word, ""),
            fixed => text.put(format_args!("{}", fixed.fixed())),
        }
    }

    /// The text of what has no parts.
    fn fixed(&self) -> &'static str {
        match self {
            FunctionError::NotFound => "ERR Function not found",
            FunctionError::KeysBad => "ERR Bad number of keys provided",
            FunctionError::LibraryNotFound => "ERR Library not found",
            FunctionError::NoMetadata => "ERR Missing library metadata",
            FunctionError::Metadata => "ERR Invalid library metadata",
            FunctionError::NamedTwice => "ERR Invalid metadata value, name argument was given multiple times",
            FunctionError::Unnamed => "ERR Library name was not given",
            FunctionError::Name => NAME_RULE,
            FunctionError::NoFunctions => "ERR No functions registered",
            FunctionError::ListName => "ERR library name argument was not given",
            FunctionError::FlushMode => "ERR FUNCTION FLUSH only supports SYNC|ASYNC option",
            FunctionError::RestorePolicy => {
                "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE."
            }
            FunctionError::PayloadPreRelease => "ERR Pre-GA function format not supported",
            FunctionError::PayloadKind => "ERR given type is not a function",
            FunctionError::Payload => "ERR Failed loading library payload",
            FunctionError::MetadataValue(_)
            | FunctionError::Engine(_)
            | FunctionError::LibraryExists(_)
            | FunctionError::RestoredExists(_)
            | FunctionError::FunctionExists(_)
            | FunctionError::Compile(_)
            | FunctionError::Registering(_)
            | FunctionError::LoadOption(_)
            | FunctionError::ListArgument(_) => unreachable!("its text has parts"),
        }
    }
}
