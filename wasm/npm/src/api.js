// What `slotway`, `slotway/lite` and the build for workerd have in common.
export { SLOT_COUNT, SlotwayError, crc16, hashTag, keyForSlot, sameSlot } from './slot.js'
export { explain, groupBySlot, keySlot, keySlots, keySlotsOfLines } from './batch.js'
export { SlotTable } from './table.js'
export { commandKeys, route, routeBatch } from './command.js'
export { planAdd, planMove, planRebalance, planRemove } from './plan.js'
