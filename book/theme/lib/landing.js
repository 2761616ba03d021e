// The first page of the site: what this is, in one look, and the courses.
import { h } from "./h.js";
import { dateIn } from "./cite.js";
import { hubHome } from "./hub.js";
import { raw } from "./icons.js";
import { pageUrl } from "./site.js";

// A minga: a house crosses the water, pulled by many; behind it the Andes. Colours are the theme's.
const person = (x, y) => `<path d="M${x} ${y}l-5 15m0 0l-6 13m6-13l5 13m-3-25l9 5"/><circle cx="${x + 2}" cy="${y - 5}" r="3.6" class="head"/>`;
const people = [330, 362, 394, 426, 458, 490, 522].map((x, at) => person(x, 182 - (at % 2) * 2)).join("");
const SCENE = `<svg class="scene" viewBox="0 0 640 260" preserveAspectRatio="xMidYMax slice" aria-hidden="true">
<circle class="sun" cx="478" cy="66" r="30"/>
<path class="far" d="M0 150 60 96l34 26 62-74 46 52 38-30 70 72 52-48 40 30 62-66 58 64 40-28 78 62v110H0z"/>
<path class="snow" d="m156 48-22 27 12-4 9 9 10-8 13 3zM464 58l-21 23 11-3 9 8 9-8 12 2z"/>
<path class="near" d="M0 190c70-34 120-36 190-14s130 20 190-6 140-30 260 4v86H0z"/>
<g class="house"><path class="wall" d="M120 150h96v58h-96z"/><path class="roof" d="m108 152 60-44 60 44z"/><path class="door" d="M158 172h22v36h-22z"/><path class="pane" d="M130 164h18v16h-18zM190 164h16v16h-16z"/><path class="logs" d="M100 214h140"/><circle cx="124" cy="216" r="7"/><circle cx="168" cy="216" r="7"/><circle cx="212" cy="216" r="7"/></g>
<path class="rope" d="M216 196c60 12 80 0 114 0h196"/>
<g class="people">${people}</g>
<path class="water" d="M0 226c40-8 80 8 120 0s80-8 120 0 80 8 120 0 80-8 120 0 80 8 160 0v40H0z"/>
</svg>`;

/** The landing page's head: title, one sentence, where to begin. */
export function hero(site, frontmatter) {
  const { words } = site;
  const first = site.pages.find(({ slug }) => slug !== site.index);
  return h("div", { className: "hero" }, [
    raw(SCENE),
    h("h1", frontmatter.title),
    frontmatter.subtitle && h("p", { className: "subtitle" }, frontmatter.subtitle),
    h("p", { className: "actions" }, [
      first && h("a", { className: "button", href: pageUrl(site, first.slug) }, words.start_reading),
      h("a", { className: "button second", href: hubHome(site) }, words.enter_hub),
    ]),
  ]);
}

/** A card a course: what it is about, its hours, its chapters (the pages that name it). */
export function courseCards({ site }) {
  const { words } = site;
  const chaptersOf = ({ id }) => site.pages.filter(({ slug }) => site.contents.get(slug).frontmatter.site?.course === id);
  const card = (course) => {
    const chapters = chaptersOf(course);
    return h("section", { className: "course", id: `course-${course.id}`, ariaLabelledBy: `title-${course.id}` }, [
      h("h3", { id: `title-${course.id}` }, course.title),
      h("p", course.description),
      chapters.length ? h("ol", chapters.map(({ slug, title }) => h("li", h("a", { href: pageUrl(site, slug) }, title)))) : undefined,
      h("p", { className: "course-facts" }, [
        words.hours.replace("{n}", course.hours),
        course.starts && ` · ${words.course_starts}: ${dateIn(site.language, course.starts)}`,
      ]),
    ]);
  };
  return h("div", { className: "courses" }, site.courses.map(card));
}
