using System.CommandLine;

namespace PcieOe.Cli.Commands;

/// <summary>Options that several commands have, so that they are called and described alike.</summary>
internal static class CommonOptions
{
    internal static Option<FileInfo?> Json() => new("--json") { Description = "Also write the result to this file, as JSON.", HelpName = "FILE" };

    /// <summary>A whole number within bounds.</summary>
    internal static Option<int> Integer(string name, string description, int defaultValue, int minimum, int maximum)
    {
        Option<int> option = new(name) { Description = $"{description} ({minimum} to {maximum})", DefaultValueFactory = _ => defaultValue, HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && int.TryParse(result.Tokens[0].Value, out int value) && (value < minimum || value > maximum))
            {
                result.AddError($"{name} is {value}; it goes from {minimum} to {maximum}.");
            }
        });
        return option;
    }

    /// <summary>A fractional number of at least 0.</summary>
    internal static Option<double> Number(string name, string description, string unit, double maximum)
    {
        Option<double> option = new(name) { Description = description, HelpName = unit };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && double.TryParse(result.Tokens[0].Value, System.Globalization.CultureInfo.InvariantCulture, out double value) && !(value >= 0 && value <= maximum))
            {
                result.AddError($"{name} is {value}; it goes from 0 to {maximum}.");
            }
        });
        return option;
    }
}
