// Takes the README's pictures of the Temporal UI: node shoot.mjs NAME=URL…, with an installed Chromium.
import { chromium } from "playwright-core";

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
const page = await browser.newPage({ viewport: { width: 1400, height: 850 } });
for (const arg of process.argv.slice(2)) {
  const at = arg.indexOf("=");
  const [name, url] = [arg.slice(0, at), arg.slice(at + 1)];
  await page.goto(url);
  await page.getByText("ProcessEvent").first().waitFor({ timeout: 20000 });
  await page.waitForTimeout(2500); // the page goes on loading details after its frame is there
  await page.screenshot({ path: `../img/${name}.png` });
  console.log(`docs/img/${name}.png`);
}
await browser.close();
