using System.Globalization;

namespace PcieOe.Transport.Histograms;

/// <summary>Writes histograms of successive intervals as an HdrHistogram interval log (version 1.3), one tagged line each.</summary>
public sealed class IntervalLog
{
    private readonly TextWriter _writer;

    /// <param name="startTime">What the start times of the lines count from.</param>
    public IntervalLog(TextWriter writer, DateTimeOffset startTime)
    {
        _writer = writer;
        double seconds = startTime.ToUnixTimeMilliseconds() / 1000.0;
        writer.Write("#[Histogram log format version 1.3]\n");
        writer.Write(string.Create(CultureInfo.InvariantCulture, $"#[StartTime: {seconds:F3} (seconds since epoch), {startTime:O}]\n"));
        writer.Write("\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n");
    }

    /// <param name="tag">A label; commas, spaces and line breaks in it become underscores.</param>
    public void Append(string tag, double startSeconds, double lengthSeconds, LatencyHistogram histogram)
    {
        string name = tag.Replace(',', '_').Replace(' ', '_').Replace('\r', '_').Replace('\n', '_');
        double maximumMilliseconds = histogram.Maximum / 1e6;
        string encoded = Convert.ToBase64String(HistogramEncoding.EncodeCompressed(histogram));
        _writer.Write(string.Create(CultureInfo.InvariantCulture, $"Tag={name},{startSeconds:F3},{lengthSeconds:F3},{maximumMilliseconds:F3},{encoded}\n"));
    }
}
