using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;

namespace PcieOe.Cli.Reports.Html;

/// <summary>
/// Collects a document. Of an interpolated string the literal parts are markup and the values are text, so a name out of a report can never
/// become markup. Numbers are written as SVG and CSS read them.
/// </summary>
internal sealed class HtmlWriter
{
    private readonly StringBuilder _document = new();

    public void Markup(string markup) => _document.Append(markup).Append('\n');

    /// <summary>Ends the line that the string's parts have been added to.</summary>
    public void Add([InterpolatedStringHandlerArgument("")] MarkupHandler markup)
    {
        _ = markup;
        _document.Append('\n');
    }

    public override string ToString() => _document.ToString();

    [InterpolatedStringHandler]
    internal readonly ref struct MarkupHandler
    {
        private readonly StringBuilder _document;

        public MarkupHandler(int literalLength, int formattedCount, HtmlWriter writer)
        {
            _ = literalLength + formattedCount;
            _document = writer._document;
        }

        public void AppendLiteral(string markup) => _document.Append(markup);

        public void AppendFormatted(string? text) => _document.Append(WebUtility.HtmlEncode(text));

        public void AppendFormatted(long number) => _document.Append(CultureInfo.InvariantCulture, $"{number}");

        public void AppendFormatted(double number) => _document.Append(CultureInfo.InvariantCulture, $"{number:0.###}");

        public void AppendFormatted(DateTimeOffset time, string format) => AppendFormatted(time.ToString(format, CultureInfo.InvariantCulture));
    }
}
