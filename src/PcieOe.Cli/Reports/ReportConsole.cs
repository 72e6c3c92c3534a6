using Spectre.Console;

namespace PcieOe.Cli.Reports;

/// <summary>Where reports are written: standard output, plain and 100 columns wide where that is no terminal.</summary>
internal static class ReportConsole
{
    private const int PlainWidth = 100;

    internal static IAnsiConsole Create()
    {
        bool isPlain = Console.IsOutputRedirected;
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = isPlain ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = isPlain ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
        });
        if (isPlain)
        {
            console.Profile.Width = PlainWidth;
        }

        return console;
    }
}
