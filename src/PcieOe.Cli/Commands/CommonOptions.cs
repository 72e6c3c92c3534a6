using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using PcieOe.Daemon.Configuration;

namespace PcieOe.Cli.Commands;

/// <summary>Options that several commands have, so that they are called and described alike.</summary>
internal static class CommonOptions
{
    internal static Option<FileInfo?> Json() => Result("--json", "Also write the result to this file, as JSON.");

    /// <summary>A file for the result. That its folder is missing is said before anything is measured.</summary>
    internal static Option<FileInfo?> Result(string name, string description)
    {
        Option<FileInfo?> option = new(name) { Description = description, HelpName = "FILE" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && Path.GetDirectoryName(Path.GetFullPath(result.Tokens[0].Value)) is { } folder && !Directory.Exists(folder))
            {
                result.AddError($"{name} {result.Tokens[0].Value}: there is no folder {folder}.");
            }
        });
        return option;
    }

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
            if (result.Tokens.Count > 0 && double.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out double value) && !(value >= 0 && value <= maximum))
            {
                result.AddError($"{name} is {value}; it goes from 0 to {maximum}.");
            }
        });
        return option;
    }

    /// <summary>The EtherType of the protocol's frames, as people write it; without it, <see cref="PortSettings.DefaultEtherType"/>.</summary>
    internal static Option<int?> EtherType() => new("--ether-type")
    {
        Description = "EtherType of the frames, such as 0x88B5, which it is unless given.",
        CustomParser = ParseEtherType,
        HelpName = "N",
    };

    private static int? ParseEtherType(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        bool isHexadecimal = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        bool isNumber = isHexadecimal
            ? int.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value)
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
        if (!isNumber || value is < PortSettings.SmallestEtherType or > PortSettings.LargestEtherType)
        {
            result.AddError($"--ether-type is '{text}'; it goes from 0x0600 to 0xFFFF.");
        }

        return value;
    }
}
