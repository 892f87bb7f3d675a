// The language of the page: the visitor's own, until they choose the other one. What they chose is kept for their next visit.

import { en, type Words } from './words/en'
import { zh } from './words/zh'

export type Language = 'en' | 'zh'

const KEPT_AS = 'slotway-language'

class Speech {
  language = $state<Language>(kept() ?? (navigator.language.startsWith('zh') ? 'zh' : 'en'))

  get words(): Words {
    return this.language === 'zh' ? zh : en
  }

  /** The language as HTML names it. */
  get tag(): string {
    return tagOf(this.language)
  }

  get other(): Language {
    return this.language === 'zh' ? 'en' : 'zh'
  }

  change(): void {
    this.language = this.other
    try {
      localStorage.setItem(KEPT_AS, this.language)
    } catch {
      // A browser that keeps nothing: the choice holds until the page is closed.
    }
  }
}

export function tagOf(language: Language): string {
  return language === 'zh' ? 'zh-Hans' : 'en'
}

function kept(): Language | null {
  try {
    const language = localStorage.getItem(KEPT_AS)
    return language === 'en' || language === 'zh' ? language : null
  } catch {
    return null
  }
}

export const speech = new Speech()
