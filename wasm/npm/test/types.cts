// As types.mts, for `require`.
import slotway = require('slotway')
import slot = require('slotway/slot')
import generate = require('slotway-key-slot')

const slots: number[] = [slotway.keySlot('a'), slot.keySlot(new Uint8Array()), generate('a'), generate.generateMulti(['a', Buffer.from('b')])]
export = slots
