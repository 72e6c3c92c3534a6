using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using PcieOe.Cli.Reports;
using PcieOe.Cli.Reports.Html;
using Xunit;

namespace PcieOe.Cli.Tests.Reports;

public sealed partial class HtmlReportTests
{
    /// <summary>What a browser finds wrong with the layout: a page wider than its window, a letter outside of its plot, a plot without lines.</summary>
    private const string Audit = """
        <script>
        const faults = [];
        if (document.documentElement.scrollWidth > window.innerWidth) faults.push("page is " + document.documentElement.scrollWidth + " wide in " + window.innerWidth);
        for (const svg of document.querySelectorAll(".plot > svg")) {
          const box = svg.getBoundingClientRect(), name = svg.getAttribute("aria-label");
          if (box.width < 200 || box.height < 100) faults.push("small plot: " + name);
          if (!svg.querySelector(".line, .dot, .heat")) faults.push("empty plot: " + name);
          for (const text of svg.querySelectorAll("text")) {
            const part = text.getBoundingClientRect();
            if (part.left < box.left - 0.5 || part.right > box.right + 0.5 || part.bottom > box.bottom + 0.5) faults.push("cut off in " + name + ": " + text.textContent);
            if (parseFloat(getComputedStyle(text).fontSize) * box.width / svg.viewBox.baseVal.width < 9) faults.push("too small in " + name);
          }
        }
        const result = document.createElement("p");
        result.textContent = "AUDIT plots=" + document.querySelectorAll(".plot > svg").length + " bars=" + document.querySelectorAll("svg.bar").length + " faults=[" + faults.join("; ") + "]";
        document.body.append(result);
        </script>
        """;

    [Fact]
    public void Report_OfACompleteRun_NeedsNoNetworkAndNoScript()
    {
        string page = HtmlReport.Render(SampleRun.Complete());
        Assert.All((string[])["http:", "https:", "<script", " src=", "@import", "url("], word => Assert.DoesNotContain(word, page, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void Report_NamesThatLookLikeMarkup_AreText()
    {
        RunReport run = SampleRun.Complete();
        run = run with { Notes = ["<b>note</b>"], Workloads = [.. run.Workloads.Select(workload => workload with { Name = "<script>alert(1)</script>\"'", Variant = "<i>" })] };
        string page = HtmlReport.Render(run);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<i>\"", page, StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;", page, StringComparison.Ordinal);
        Assert.Contains("&lt;b&gt;note", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Report_OfAnEmptyRun_IsAPage()
    {
        string page = HtmlReport.Render(new RunReport { Started = DateTimeOffset.UnixEpoch });
        Assert.EndsWith("</html>\n", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<figure", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Report_HistogramThatCannotBeRead_IsLeftOut()
    {
        RunReport run = SampleRun.Complete();
        run = run with { Workloads = [.. run.Workloads.Select(workload => workload with { Histogram = "not base64", Intervals = workload.Intervals! with { Histograms = ["AAAA", "AAAA"] } })] };
        Assert.Contains("All workloads", HtmlReport.Render(run), StringComparison.Ordinal);
    }

    [Fact]
    public void HopBars_ShareOfTime_AddUpToTheWholeWithTheResidual()
    {
        string page = HtmlReport.Render(SampleRun.Complete());
        MatchCollection bars = Bar().Matches(page[page.IndexOf("share of their time", StringComparison.Ordinal)..]);
        Assert.NotEmpty(bars);
        foreach (Match bar in bars.Cast<Match>())
        {
            Match[] pieces = [.. Piece().Matches(bar.Value).Cast<Match>()];
            Assert.Equal("residual", pieces[^1].Groups[1].Value);
            Assert.Equal(1000, pieces.Sum(piece => double.Parse(piece.Groups[2].Value, CultureInfo.InvariantCulture)), 0.1);
        }
    }

    [Theory]
    [InlineData(1280)]
    [InlineData(390)]
    [Trait("Category", "System")]
    public void Report_InABrowser_DrawsEveryPlotWithoutAFault(int width)
    {
        string? browser = ((string[])["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]).FirstOrDefault(File.Exists);
        if (browser is null)
        {
            Assert.Skip("No Chromium here.");
        }

        DirectoryInfo folder = Directory.CreateTempSubdirectory("pcieoe-html-");
        try
        {
            string file = Path.Combine(folder.FullName, "report.html");
            File.WriteAllText(file, HtmlReport.Render(SampleRun.Complete()).Replace("</main>", "</main>" + Audit, StringComparison.Ordinal));
            using Process process = Process.Start(new ProcessStartInfo(browser,
            [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--enable-logging=stderr",
                $"--user-data-dir={folder.FullName}/profile", $"--window-size={width},900", "--dump-dom", new Uri(file).AbsoluteUri,
            ])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            CommandRun run = CommandRun.Await(process);
            Assert.True(run.ExitCode == 0, run.Errors);
            Assert.DoesNotContain("CONSOLE", run.Errors, StringComparison.Ordinal);
            string result = Result().Match(run.Output).Value;
            Assert.EndsWith("faults=[]", result, StringComparison.Ordinal);
            Assert.Contains("plots=19 bars=23", result, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [GeneratedRegex("<svg class=\"bar\".*?</svg>", RegexOptions.Singleline)]
    private static partial Regex Bar();

    [GeneratedRegex("<rect class=\"hop ([a-z -]+)\" x=\"[0-9.]+\" y=\"0\" width=\"([0-9.]+)\"")]
    private static partial Regex Piece();

    [GeneratedRegex("AUDIT plots=.*?\\](?=</p>)")]
    private static partial Regex Result();
}
