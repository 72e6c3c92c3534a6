using System.Globalization;
using PcieOe.Daemon.Control;
using PcieOe.Protocol.Hops;

namespace PcieOe.Cli.Lab.Scenarios;

/// <summary>Time to be wasted in a hop: what <c>--inject</c> asks for.</summary>
internal sealed record HopDelay(Hop Hop, long Nanoseconds)
{
    /// <summary>Reads "policy-wait=50us", or "all=50us" for one after another.</summary>
    internal static bool TryParse(string text, out IReadOnlyList<HopDelay> delays)
    {
        delays = [];
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0 || !text.EndsWith("us", StringComparison.Ordinal)
            || !double.TryParse(text.AsSpan(equals + 1, text.Length - equals - 3), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double microseconds)
            || microseconds * 1000 > InjectRequest.MaximumNanoseconds)
        {
            return false;
        }

        long nanoseconds = (long)(microseconds * 1000);
        string name = text[..equals];
        if (name == "all")
        {
            delays = [.. Enum.GetValues<Hop>().Select(each => new HopDelay(each, nanoseconds))];
            return true;
        }

        bool isKnown = HopNames.TryParse(name, out Hop hop);
        delays = [new HopDelay(hop, nanoseconds)];
        return isKnown;
    }
}
