import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { Timeline } from "effect-wait"
import { Xml } from "effect/encoding"
import { contrast, dark, light, look, type Theme, timelines } from "../src/index.ts"
import { styleSheet } from "../src/ink.ts"
import { separate } from "../src/lines.ts"
import { bold, fit, fitAll, widthOfText, wrap } from "../src/page.ts"
import { clusters, cropped, linear, logarithmic, numbers } from "../src/scale.ts"
import { number, time } from "../src/time.ts"
import { bars, missedSlots } from "../src/timelines.ts"
import { hostile, long, sheet } from "./sheet.ts"

// Fails where it is not well-formed.
const events = (svg: string) => Stream.make(svg).pipe(Stream.pipeThroughChannel(Xml.decodeString()), Stream.runCollect)

const texts = (svg: string) =>
  Array.from(
    svg.matchAll(
      /<text x="([-\d.]+)" y="([-\d.]+)"(?: class="([^"]*)")?(?: text-anchor="(\w+)")?(?: font-size="(\d+)")?( font-weight="600")?>(?:<title>[^<]*<\/title>)?([^<]*)</g
    ),
    ([, x, y, style, anchor, size = "12", weight, content = ""]) => {
      const shown = content.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", "\"").replaceAll(
        "&amp;",
        "&"
      )
      const width = widthOfText(shown) * Number(size) / 12 * (weight === undefined || style === "name" ? 1 : bold)
      const left = Number(x) - (anchor === "end" ? width : anchor === "middle" ? width / 2 : 0)
      return { content: shown, left, right: left + width, y: Number(y), style }
    }
  )

describe("colors", () => {
  it.each<readonly [string, Theme]>([["light", light], ["dark", dark]])(
    "have a contrast of 4.5:1 or more: %s",
    (_, theme) => {
      for (const color of [theme.ink, theme.dim, theme.late, ...theme.series]) {
        assert.isAtLeast(contrast(color, theme.ground), 4.5, color)
      }
      assert.isAtLeast(contrast(theme.ink, theme.grid), 4.5, "a text in the shade")
    }
  )

  it("have the contrast of WCAG's examples", () => {
    assert.strictEqual(contrast("#000000", "#ffffff"), 21)
    assert.strictEqual(contrast("#777777", "#ffffff").toFixed(2), "4.48")
  })

  it("and dashes tell twenty lines apart", () => {
    assert.strictEqual(new Set(Array.from({ length: 20 }, (_, i) => JSON.stringify(look(i)))).size, 20)
  })

  it("are all there are in the style sheet", () => {
    const all = new Set([light, dark].flatMap((theme) => Object.values(theme)).flat())
    assert.deepStrictEqual(new Set(styleSheet.match(/#[0-9a-f]{6}/g)), all)
  })

  it("and times are those of Timeline.toSvg", () => {
    const minutes = Timeline.toSvg({ runs: [{ start: 0, end: 600_000 }], outcome: "done" })
    const colors = minutes.match(/#[0-9a-f]{3,6}/g)?.map((color) => color === "#fff" ? "#ffffff" : color)
    const used = ({ dim, grid, ground, series: [run = ""] }: Theme) => [ground, dim, grid, run]
    assert.deepStrictEqual(colors, [...used(light), ...used(dark)])
    const labels = Array.from(minutes.matchAll(/>([^<]+)<\/text>/g), ([, label]) => label)
    assert.deepStrictEqual(labels, Array.from({ length: 11 }, (_, i) => time(i * 60_000)))
  })
})

describe.each([360, 860])("the sheet of hard cases, %s pixels wide", (width) => {
  it.effect.each(Object.entries(sheet))("%s", ([, draw]) =>
    Effect.gen(function*() {
      const svg = draw(width)
      assert.strictEqual(draw(width), svg)
      const all = yield* events(svg)
      assert.deepStrictEqual(all.flatMap((event) => event._tag === "StartElement" ? event.name : []).slice(0, 2), [
        "svg",
        "title"
      ])
      assert.notMatch(svg.replaceAll(/>[^<]*</g, "><"), /NaN|Infinity|undefined|e-\d/)
      const height = Number(/height="(\d+)"/.exec(svg)?.[1])
      for (const { content, left, right, y } of texts(svg)) {
        assert.isAtLeast(left, -1, content)
        assert.isAtMost(right, width + 1, content)
        assert.isTrue(y > 0 && y < height, content)
      }
    }))

  it.each(Object.entries(sheet))("has no text over another: %s", (_, draw) => {
    const all = texts(draw(width))
    all.forEach((a, i) =>
      all.slice(i + 1).forEach((b) =>
        assert.isFalse(
          Math.abs(a.y - b.y) < 11 && a.left < b.right - 4 && b.left < a.right - 4,
          `${a.content} | ${b.content}`
        )
      )
    )
  })
})

describe("a band", () => {
  it("shows the true minimum, and 0 on a line of its own", () => {
    const svg = sheet["a band with its true minimum, and 0"]!(860)
    const polygon = /<polygon class="[^"]*" points="([^"]*)"/.exec(svg)?.[1]
    const ys = polygon!.split(" ").map((point) => Number(point.split(",")[1]))
    const yOf = (label: string) => texts(svg).find(({ content }) => content === label)!.y - 4
    // From the last run to the second: 9 ms, 0, 0.4 ms and 0.067 ms.
    const [nine, zero, most, least] = ys.slice(4)
    const decade = yOf("1ms") - yOf("10ms")
    const at = (millis: number) => yOf("1ms") - decade * Math.log10(millis)
    assert.approximately(nine!, at(9), 0.2)
    assert.approximately(most!, at(0.4), 0.2)
    assert.approximately(least!, at(0.067), 0.2)
    assert.approximately(zero!, yOf("0"), 0.2)
  })

  it("says where only some clients are left", () => {
    const svg = sheet["a band with its true minimum, and 0"]!(860)
    assert.strictEqual(svg.match(/<circle class="ground line0"/g)?.length, 3)
    assert.include(svg, "only of the clients that get this far")
  })
})

describe("timelines", () => {
  it("draw equal runs equal", () => {
    const runs = [0, 1.37, 2.91, 7.777].map((start) => ({ start, end: start + 1 }))
    const path = bars(runs, { height: 14, toX: (millis) => 10 + 33.33 * millis, y: 0 })
    assert.deepStrictEqual(new Set(path.match(/h[\d.]+/g)), new Set(["h32.3"]))
    assert.strictEqual(path.split("M").length - 1, 4)
  })

  it("draw runs without a pause as many, and very many as a block", () => {
    const path = (length: number) =>
      bars([0, 1].map((i) => ({ start: i * length, end: (i + 1) * length })), {
        height: 1,
        toX: (millis) => millis,
        y: 0
      })
    assert.strictEqual(path(20), "M0 0h19v1h-19zM20 0h19v1h-19z")
    assert.strictEqual(path(0.01), "M0 0h3v1h-3z")
  })

  it("mark the slots in which no run starts", () => {
    const runs = [0, 1000, 2000, 5000, 6200].map((start) => ({ start, end: start }))
    assert.deepStrictEqual(missedSlots({ runs, outcome: "cut" }, 1000), [3000, 4000])
    assert.deepStrictEqual(missedSlots({ runs: [], outcome: "cut" }, 1000), [])
    const svg = sheet["overruns, missed slots, and three ends"]!(860)
    assert.strictEqual(svg.match(/class="ground missed"/g)?.length, 3) // two, and the legend's
    assert.strictEqual(svg.match(/class="overrun"/g)?.length, 3)
    for (const sign of ["run", "overrun: longer than its period", "missed slot", "ends", "fails", "goes on"]) {
      assert.include(texts(svg).map(({ content }) => content), sign)
    }
  })

  it("explain only what they show", () => {
    const svg = timelines({
      title: "",
      lanes: [{ name: "a", timeline: { runs: [{ start: 0, end: 1 }], outcome: "done" } }]
    })
    assert.notInclude(svg, "missed slot")
    assert.notInclude(svg, "goes on")
  })

  it("can leave the style sheet to the page", () => {
    const svg = timelines({ title: "", lanes: [], isInline: true })
    assert.notInclude(svg, "<style")
    assert.notInclude(svg, "style=")
  })

  it("can leave the title to the page, and has it for those who hear it", () => {
    const [titled, untitled] = [false, true].map((isUntitled) =>
      timelines({ title: "a & \"b\"", description: "c", lanes: [], isUntitled })
    )
    assert.match(titled!, /<title>a &amp; &quot;b&quot;<\/title>[^]*>a &amp; &quot;b&quot;<\/text>/)
    assert.match(untitled!, /^<svg [^>]* aria-label="a &amp; &quot;b&quot;">\n<desc>c<\/desc>/)
    assert.notMatch(untitled!, /<title>|>a &amp;/)
    const height = (svg: string) => Number(/ height="(\d+)"/.exec(svg)?.[1])
    assert.strictEqual(height(titled!) - height(untitled!), 36)
  })
})

describe("what is lost", () => {
  it("has a color, a word and a place of its own", () => {
    const svg = sheet["an outage"]!(860)
    assert.strictEqual(svg.match(/>never back</g)?.length, 2)
    assert.strictEqual(svg.match(/class="alarm"/g)?.length, 2)
    assert.strictEqual(svg.match(/class="lost"/g)?.length, 4)
  })

  it("is not said of what was not seen", () => {
    const svg = sheet["an outage that was not watched to its end"]!(580)
    assert.include(svg, ">too many requests<")
    assert.include(svg, ">throttling, as in gRPC<")
    assert.notInclude(svg, "never back")
  })

  it("is a bar to the left, with its spread", () => {
    const svg = sheet["bars with spread, and losses"]!(860)
    const [, x, length] = /<rect class="lost" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/.exec(svg)!
    const one = texts(svg).find(({ content, style }) => content === "1x" && style === "dim")!
    assert.approximately(Number(x) + Number(length), (one.left + one.right) / 2, 0.2)
    assert.include(svg, ">0.076x, worse<")
    assert.strictEqual(svg.match(/class="halo"/g)?.length, 5) // four, and the legend's
  })
})

describe("the names of lines", () => {
  it("are moved apart, and stay on the chart", () => {
    const options = { top: 0, bottom: 100, gap: 16 }
    assert.deepStrictEqual(separate([10, 12, 50], options), [10, 26, 50])
    assert.deepStrictEqual(separate([90, 95, 100], options), [68, 84, 100])
    assert.deepStrictEqual(separate([10, 12, 99, 99], options), [10, 26, 84, 100])
  })
})

describe("texts", () => {
  it("are cut in the middle where they are too long", () => {
    assert.strictEqual(fit("short", 100), "short")
    assert.strictEqual(fit("abcdefghijklnopqrstuvxyz", 72), "abcd\u2026vxyz")
    assert.isAtMost(widthOfText(fit(hostile, 200)), 200)
  })

  it("that would look the same have numbers", () => {
    const fitted = fitAll(long, 200)
    assert.strictEqual(new Set(fitted).size, 2)
    assert.deepStrictEqual(fitAll(["a", "b"], 200), ["a", "b"])
    assert.deepStrictEqual(fitAll(["a", "a"], 200), ["a", "a"])
  })

  it("are wrapped at words", () => {
    assert.deepStrictEqual(wrap("one two three", 60), ["one two", "three"])
  })

  it("of numbers and times are short", () => {
    assert.deepStrictEqual([0, 0.5, 1234567.5].map(number), ["0", "0.5", "1,234,567.5"])
    assert.deepStrictEqual([0, 0.01, 1250, 90_000, 604_800_000].map(time), ["0", "10us", "1.25s", "1m30s", "7d"])
  })
})

describe("a scale", () => {
  it("is logarithmic from the shortest delay", () => {
    const scale = logarithmic([{ min: 0.1, mean: 100, max: 200 }, { min: 900, mean: 1000, max: 1000 }])
    assert.deepStrictEqual(scale.marks, [0.1, 1, 10, 100, 1000])
    assert.deepStrictEqual([0.01, 0.1, 10, 1000, 5000].map((millis) => Number(scale.at(millis).toFixed(9))), [
      0,
      0,
      0.5,
      1,
      1
    ])
  })

  it("is cropped at a tenth of the shortest mean, for text", () => {
    const scale = cropped([{ min: 0.001, mean: 100, max: 200 }, { min: 900, mean: 1000, max: 1000 }])
    assert.deepStrictEqual(scale.marks, [10, 100, 1000])
    assert.deepStrictEqual([1, 10, 100, 1000, 5000].map((millis) => Number(scale.at(millis).toFixed(9))), [
      0,
      0,
      0.5,
      1,
      1
    ])
  })

  it("has room around delays that are about as long", () => {
    const scale = logarithmic([{ min: 30_000, mean: 30_000, max: 30_000 }])
    assert.deepStrictEqual(scale.marks, [10_000, 20_000, 30_000, 60_000])
    assert.strictEqual(scale.at(30_000), 0.5)
  })

  it("has marks where people count time", () => {
    assert.deepStrictEqual(linear(95_000, 5).marks, [0, 20_000, 40_000, 60_000, 80_000])
    assert.deepStrictEqual(linear(7 * 3_600_000, 5).marks, [0, 2, 4, 6].map((hours) => hours * 3_600_000))
    assert.deepStrictEqual(linear(0, 5).marks, [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1])
  })

  it("of numbers ends at a round one", () => {
    assert.deepStrictEqual(numbers(2500, 6).marks, [0, 500, 1000, 1500, 2000, 2500])
    assert.deepStrictEqual(numbers(1, 7, true).marks, [0, 1])
    assert.deepStrictEqual(numbers(0.04, 7).marks, [0, 0.01, 0.02, 0.03, 0.04])
  })

  it("is shared by what is not too different", () => {
    assert.deepStrictEqual(clusters([1, 1000, 100, 2, 3], (n) => n), [[1, 2, 3], [1000, 100]])
    assert.deepStrictEqual(clusters([1000, 34, 33], (n) => n), [[33], [1000, 34]])
    assert.deepStrictEqual(clusters([0, 0], (n) => n), [[0, 0]])
    assert.deepStrictEqual(clusters([], (n) => n), [])
  })
})
