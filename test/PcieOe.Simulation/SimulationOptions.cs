using PcieOe.Protocol.Link;

namespace PcieOe.Simulation;

/// <summary>What is to be run.</summary>
public sealed record SimulationOptions
{
    public int Seeds { get; init; } = 1000;

    public int Start { get; init; }

    /// <summary>TLPs to deliver in each direction of each host.</summary>
    public int Tlps { get; init; } = 2000;

    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>As on the command line; null for none.</summary>
    public string? SabotageName
    {
        get => Sabotage == LinkSabotage.None ? null : Sabotage.ToString().ToLowerInvariant();
        init => Sabotage = value is null ? LinkSabotage.None : Enum.Parse<LinkSabotage>(value, ignoreCase: true);
    }

    internal LinkSabotage Sabotage { get; private init; }

    /// <summary>Reads a command line; false with a sentence that says what is wrong.</summary>
    public static bool TryParse(ReadOnlySpan<string> arguments, out SimulationOptions options, out string mistake)
    {
        options = new SimulationOptions();
        mistake = string.Empty;
        for (int i = 0; i < arguments.Length; i += 2)
        {
            string name = arguments[i], value = i + 1 < arguments.Length ? arguments[i + 1] : string.Empty;
            bool isNumber = int.TryParse(value, System.Globalization.CultureInfo.InvariantCulture, out int number) && number >= 0;
            SimulationOptions? next = name switch
            {
                "--seeds" when isNumber && number > 0 => options with { Seeds = number },
                "--start" when isNumber => options with { Start = number },
                "--tlps" when isNumber && number > 0 => options with { Tlps = number },
                "--threads" when isNumber && number > 0 => options with { Threads = number },
                "--sabotage" when value is "duplicate" or "replay" or "timer" or "crc" =>
                    options with { SabotageName = value },
                _ => null,
            };
            if (next is null)
            {
                mistake = $"'{name} {value}' is not understood.";
                return false;
            }

            options = next;
        }

        return true;
    }
}
