// Everything that can be said about JavaScript and TypeScript without running it: syntax, rules, types.
//
// Reads a request on stdin ({files, packages, installed, manifest}), looks at the project in the working directory and
// writes findings to stdout. Nothing of the project is loaded: its settings are read as data.
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";
import { makeRules } from "./rules.mjs";
import { functionAround, short, visitor } from "./trees.mjs";

const [tools] = process.argv.slice(2);
const load = createRequire(path.join(tools, "node_modules", "index.js"));
const ts = load("typescript");
const visit = visitor(ts);
const request = JSON.parse(fs.readFileSync(0, "utf8"));
const here = process.cwd();
const SCRIPT = /\.([cm]?[jt]s|[jt]sx)$/;
const TEST = /(\.(test|spec)\.([cm]?[jt]s|[jt]sx)$)|(^|\/)(tests?|__tests__)\//;
// What is wrong in plain JavaScript too, where most of what a type checker says is a guess.
const JS_CODES = new Set([2304, 2552, 2305, 2307, 2613, 2614, 2724, 2451, 2588, 1308, 1378]);
const TEST_CODES = new Set([2304, 2552, 2305, 2307, 2613, 2614, 2724, 1308]);
const UNTYPED_PACKAGE = 7016;
const FOLLOWS_UNTYPED = new Set([7006, 7031, 7019, 7053]);
const NO_MODULE = new Set([2307, 2792]);
// Settings of a project that say what the code is, and none that says what is let through.
const KEPT = [
  "target", "lib", "module", "moduleResolution", "jsx", "jsxImportSource", "baseUrl", "paths", "esModuleInterop",
  "allowSyntheticDefaultImports", "experimentalDecorators", "emitDecoratorMetadata", "useDefineForClassFields",
  "resolveJsonModule", "verbatimModuleSyntax", "isolatedModules", "types", "noUncheckedIndexedAccess",
];
const FORMAT_LIMIT = 40;
const aliases = [];
const ambient = [];
const found = { syntax: [], rules: [], types: [], lint: [] };

const scripts = request.files.filter((file) => SCRIPT.test(file) && !file.endsWith(".d.ts"));
const sources = new Map();
for (const file of scripts) {
  const text = fs.readFileSync(file, "utf8");
  sources.set(file, ts.createSourceFile(path.join(here, file), text, ts.ScriptTarget.Latest, true));
}
const rules = makeRules({ ts, request, aliases, isTest, lineOf, tell });
const broken = new Set();
for (const [file, source] of sources) {
  const first = source.parseDiagnostics[0];
  if (first) {
    broken.add(file);
    tell("syntax", file, lineOf(source, first.start), "syntax", text(first));
  }
}
const timed = {};
let options;
timed.rules = clock(() => {
  options = settings();
  for (const [file, source] of sources) {
    if (!broken.has(file)) rules(file, source);
  }
});
timed.types = clock(types);
timed.syntax = await clockAsync(markup);
process.stdout.write(JSON.stringify({ found, timed, broken: [...broken] }));

function types() {
  const names = scripts.filter((file) => !broken.has(file)).map((file) => path.join(here, file));
  if (!names.length) return;
  const declared = request.files.filter((file) => file.endsWith(".d.ts")).map((file) => path.join(here, file));
  const program = ts.createProgram({ rootNames: [...names, ...declared, ...ambient], options });
  const checker = program.getTypeChecker();
  for (const name of names) {
    const source = program.getSourceFile(name);
    const file = path.relative(here, name);
    if (!source) continue;
    const wrong = program.getSyntacticDiagnostics(source)[0];
    if (wrong) {
      tell("syntax", file, lineOf(source, wrong.start), "syntax", text(wrong));
      continue;
    }
    const all = program.getSemanticDiagnostics(source).filter((each) => each.category === ts.DiagnosticCategory.Error);
    const untyped = all.some((each) => each.code === UNTYPED_PACKAGE);
    for (const each of all) judge(file, source, each, untyped);
    floating(file, source, checker);
  }
}

function judge(file, source, each, untyped) {
  const js = /\.([cm]?js|jsx)$/.test(file);
  if (js && !JS_CODES.has(each.code)) return;
  const words = text(each);
  if (NO_MODULE.has(each.code)) {
    const module = /'([^']+)'/.exec(words)?.[1] ?? "";
    // Other people's packages are judged by the rule `unknown-package`, and only where it is known what is installed.
    if (!module.startsWith(".")) return;
    if (/\.(css|scss|sass|less|svg|png|jpe?g|gif|webp|vue|svelte|html|txt|woff2?)(\?.*)?$/.test(module)) return;
  }
  let advice = each.code === UNTYPED_PACKAGE || (untyped && FOLLOWS_UNTYPED.has(each.code));
  if (isTest(file) && !TEST_CODES.has(each.code)) advice = true;
  tell("types", file, lineOf(source, each.start), `TS${each.code}`, words, advice);
}

function floating(file, source, checker) {
  visit(source, (node) => {
    if (!ts.isExpressionStatement(node)) return;
    let call = node.expression;
    if (!ts.isCallExpression(call)) return;
    const name = ts.isPropertyAccessExpression(call.expression) ? call.expression.name.text : call.expression.getText();
    if (["catch", "then", "finally"].includes(name) || /^(it|test|describe|suite|before|after)(Each|All)?$/.test(name)) return;
    const around = functionAround(ts, node);
    if (!around) return; // at the top of a file: the start of a program
    const type = checker.getTypeAtLocation(call);
    if (!isPromise(type, checker)) return;
    const waits = around.modifiers?.some((each) => each.kind === ts.SyntaxKind.AsyncKeyword) ?? false;
    const message = `The promise of \`${short(call)}\` is not awaited, so its errors are lost: write \`await\` before it.`;
    tell("types", file, lineOf(source, node.getStart()), "floating-promise", message, !waits);
  });
}

function isPromise(type, checker) {
  const parts = type.isUnion() ? type.types : [type];
  return parts.some((each) => {
    const name = each.getSymbol()?.getName() ?? "";
    return name === "Promise" || name === "PromiseLike";
  });
}

function settings() {
  const config = ["tsconfig.app.json", "tsconfig.json", "frontend/tsconfig.json", "client/tsconfig.json", "jsconfig.json"]
    .filter((file) => request.files.includes(file))
    .sort((one, other) => Number(other === "tsconfig.json") - Number(one === "tsconfig.json"));
  let own = {};
  for (const file of config) {
    const read = ts.readConfigFile(file, (name) => fs.readFileSync(name, "utf8"));
    if (read.error) {
      tell("syntax", file, 1, "syntax", text(read.error));
      continue;
    }
    const base = path.join(here, path.dirname(file));
    const parsed = ts.convertCompilerOptionsFromJson(read.config?.compilerOptions ?? {}, base, file);
    for (const error of parsed.errors) tell("types", file, 1, `TS${error.code}`, text(error));
    own = { ...parsed.options, ...own };
    aliases.push(...Object.keys(parsed.options.paths ?? {}));
  }
  const kept = Object.fromEntries(KEPT.filter((name) => own[name] !== undefined).map((name) => [name, own[name]]));
  const options = {
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    jsx: ts.JsxEmit.ReactJSX,
    esModuleInterop: true,
    resolveJsonModule: true,
    ...kept,
    strict: true,
    allowJs: true,
    checkJs: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    forceConsistentCasingInFileNames: true,
    ignoreDeprecations: "5.0",
    typeRoots: [path.join(here, "node_modules/@types"), path.join(tools, "node_modules/@types")],
  };
  if (kept.module !== undefined && kept.moduleResolution === undefined) delete options.moduleResolution;
  // `vite/client` and the like are files of a package, and no package of types: they are read as such.
  const wanted = [...(kept.types ?? []), ...(fs.existsSync(path.join(here, "node_modules/vite")) ? ["vite/client"] : [])];
  for (const name of wanted) {
    const file = path.join(here, "node_modules", `${name}.d.ts`);
    if (name.includes("/") && fs.existsSync(file) && !ambient.includes(file)) ambient.push(file);
  }
  if (kept.types) {
    const there = (name) => fs.existsSync(path.join(here, "node_modules", name)) || fs.existsSync(path.join(here, "node_modules/@types", name));
    options.types = [...new Set([...kept.types.filter((name) => !ambient.some((file) => file.endsWith(`/${name}.d.ts`)) && there(name)), "node"])];
  }
  return options;
}

// CSS and HTML parse or do not; how everything is laid out is advice.
async function markup() {
  const prettier = load("prettier");
  let asked = 0;
  for (const file of request.files) {
    const style = /\.(css|scss|less)$/.test(file);
    if (!(style || /\.html?$/.test(file) || SCRIPT.test(file)) || broken.has(file) || asked >= FORMAT_LIMIT) continue;
    if (file.endsWith(".d.ts") || fs.statSync(file).size > 100_000) continue;
    asked += 1;
    const content = fs.readFileSync(file, "utf8");
    try {
      const laid = await prettier.format(content, { filepath: file, printWidth: 110 });
      if (laid.split("\n").length > content.split("\n").length * 2 + 10) {
        tell("lint", file, 1, "unformatted", "Many statements stand on one line: write one on each.", true);
      }
    } catch (error) {
      if (error?.name !== "SyntaxError" || SCRIPT.test(file) || /\{\{|\{%|<%/.test(content)) continue;
      const line = error.loc?.start?.line ?? error.loc?.line ?? 1;
      tell("syntax", file, line, "syntax", String(error.message).split("\n")[0].slice(0, 200));
    }
  }
}

function isTest(file) { return TEST.test(file); }
function text(each) { return ts.flattenDiagnosticMessageText(each.messageText, " ").slice(0, 300); }
function lineOf(source, position) { return source.getLineAndCharacterOfPosition(position ?? 0).line + 1; }
function tell(stage, file, line, rule, message, advice = false) { found[stage].push({ path: file, line, rule, message, advice }); }
function clock(work) { const started = performance.now(); work(); return (performance.now() - started) / 1000; }
async function clockAsync(work) { const started = performance.now(); await work(); return (performance.now() - started) / 1000; }
