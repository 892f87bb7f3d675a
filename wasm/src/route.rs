//! Where a command goes.

use slotway_core::command::keys::routed;
use slotway_core::command::{self, Command, Flag};
use slotway_core::resp::args::{Args, ArgsBuf};
use slotway_core::resp::error::ErrorReply;
use slotway_core::route::{self, Access, DownPolicy, Intent, KeySlots};
use slotway_core::slot::{Slot, key_slot};
use slotway_core::topology::Topology;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::input::{bytes, expected, is_set, items};
use crate::view::{self, DecisionView, RoutedKey, topology_of};

/// Where the command `argv` goes when it is sent to `topology.myself`, or, for a topology without one, to any node.
/// `flags` say what the connection has sent before and what the node allows.
#[wasm_bindgen(js_name = route, unchecked_return_type = "Decision")]
pub fn route(
    #[wasm_bindgen(unchecked_param_type = "ReadonlyArray<Key | number>")] argv: JsValue,
    #[wasm_bindgen(unchecked_param_type = "TopologyView")] topology: JsValue,
    #[wasm_bindgen(unchecked_optional_param_type = "SessionFlags")] flags: JsValue,
) -> Result<JsValue, JsValue> {
    let argv = arguments(&argv)?;
    let topology = topology_of(&topology)?;
    view::to_js(&decide(argv.as_args(), &topology, &Flags::of(&flags)?))
}

/// The session's flags and the node's policy.
struct Flags {
    asking: bool,
    readonly: bool,
    policy: DownPolicy,
}

impl Flags {
    fn of(flags: &JsValue) -> Result<Self, JsValue> {
        let policy = DownPolicy {
            allow_reads: is_set(flags, "allowReadsWhenDown")?,
            allow_shard_channels: !is_set(flags, "refuseShardChannelsWhenDown")?,
        };
        Ok(Self { asking: is_set(flags, "asking")?, readonly: is_set(flags, "readonly")?, policy })
    }
}

fn decide(argv: Args<'_>, topology: &Topology, flags: &Flags) -> DecisionView {
    let command = match command::resolve(argv) {
        Ok(command) if command.accepts(argv.len()) => command,
        Ok(command) => return DecisionView::refused(ErrorReply::Arity(command.name)),
        Err(unknown) => return DecisionView::refused(unknown.into()),
    };
    let keys: Vec<(usize, Slot)> =
        routed(command, argv).map(|key| (key.index, key_slot(argv.at(key.index)))).collect();
    let slots = keys.iter().fold(KeySlots::None, |slots, (_, slot)| slots.and(*slot));
    let decision = route::route(topology, slots, intent(command, flags), flags.policy);
    let keys = keys.into_iter().map(|(index, slot)| RoutedKey { index, slot: slot.get() });
    DecisionView::of(decision, keys.collect(), topology)
}

fn intent(command: &Command, flags: &Flags) -> Intent {
    Intent {
        access: Access::of(command),
        asking: flags.asking || command.flags.contains(Flag::Asking),
        readonly: flags.readonly,
    }
}

/// Arguments as clients take them: strings, buffers, and numbers, which are sent as their digits.
fn arguments(argv: &JsValue) -> Result<ArgsBuf, JsValue> {
    let argv = items(argv, "argv")?;
    argv.iter().enumerate().map(|(at, arg)| argument(arg, at)).collect::<Result<_, _>>()
}

fn argument(arg: &JsValue, at: usize) -> Result<Vec<u8>, JsValue> {
    let what = || format!("argv[{at}]");
    match arg.as_f64() {
        None => bytes(arg, &what()),
        Some(number) if number.is_finite() => Ok(number.to_string().into_bytes()),
        Some(_) => Err(expected(&what(), "a string, a Uint8Array or a finite number", arg)),
    }
}
