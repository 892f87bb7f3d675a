// The screens of the page. The beginning of the address's fragment names one; without a name it is the first.

export type Screen = 'slots' | 'commands' | 'plan' | 'simulate'

export const SCREENS: readonly Screen[] = ['slots', 'commands', 'plan', 'simulate']

export function screenOf(fragment: string): Screen {
  const name = /^#?([a-z]+)(?=[&/]|$)/.exec(fragment)?.[1]
  return SCREENS.find((screen) => screen === name) ?? 'slots'
}
